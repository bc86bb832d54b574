import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Route, Switch } from 'wouter';
import { isRefusal, Refusal } from './api/refusal.ts';
import { forgetFan } from './api/session.ts';
import { Announcer } from './announcer.tsx';
import { FanProvider } from './fan.tsx';
import { LanguageProvider } from './language.tsx';
import { Boundary } from './parts/boundary.tsx';
import { Foot, Head } from './parts/frame.tsx';
import { Checkout } from './screens/checkout.tsx';
import { Concert } from './screens/concert.tsx';
import { Ledger } from './screens/ledger.tsx';
import { Missing } from './screens/missing.tsx';
import { Operation } from './screens/operation.tsx';
import { Season } from './screens/season.tsx';
import { Seats } from './screens/seats.tsx';
import { Tickets } from './screens/tickets.tsx';
import { WaitingRoom } from './screens/waiting-room.tsx';

const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      if (isRefusal(error, 'unauthenticated', 'user_not_found')) forgetFan();
    },
  }),
  defaultOptions: {
    queries: {
      // A no stays a no; silence and overload are worth another try.
      retry: (failures, error) => failures < 3 && !(error instanceof Refusal && error.status < 500),
      networkMode: 'offlineFirst',
    },
  },
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <LanguageProvider>
        <Announcer>
          <FanProvider>
            <Head />
            <Boundary>
              <Switch>
                <Route path="/" component={Season} />
                <Route path="/concerts/:concertId" component={Concert} />
                <Route path="/concerts/:concertId/seats/:performanceId" component={Seats} />
                <Route path="/concerts/:concertId/line/:performanceId" component={WaitingRoom} />
                <Route path="/reservations/:reservationId" component={Checkout} />
                <Route path="/tickets" component={Tickets} />
                <Route path="/points" component={Ledger} />
                <Route path="/operations/:operationId" component={Operation} />
                <Route component={Missing} />
              </Switch>
            </Boundary>
            <Foot />
          </FanProvider>
        </Announcer>
      </LanguageProvider>
    </QueryClientProvider>
  );
}
