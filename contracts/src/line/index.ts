// What the waiting room's clients and its server both compute. For browsers too: nothing here needs Node.
export { commitmentOf, seedOf } from './commitment.ts';
export { joinList, joinOf, joinRootOf, type JoinList } from './join-list.ts';
export { arrivalOf, numberOf, placesOf, type Order, type Places } from './place.ts';
export {
  estimatedWait,
  nextPollMs,
  type Interval,
  type LaterPace,
  type Phase,
  type Waiting,
} from './waiting.ts';
export { checkJoins, checkSeed, isRight, type Finding, type PublishedShuffle } from './shuffle-check.ts';
