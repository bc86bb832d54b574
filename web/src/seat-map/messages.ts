import { messages as shared, type Language } from '../messages/index.ts';
import type { SeatState } from './seat-state.ts';

// What the map and the list say.

export type Messages = {
  readonly map: string;
  readonly mapHelp: string;
  readonly toList: string;
  readonly list: string;
  readonly stage: string;
  readonly soldOut: string;
  readonly zoomIn: string;
  readonly zoomOut: string;
  readonly wholeHall: string;
  readonly legend: string;
  readonly chosen: string;
  readonly lost: string;
  readonly notLive: string;
  readonly showTaken: string;
  readonly loading: string;
  readonly nothingLeft: string;
  readonly price: (points: number) => string;
  readonly priceShort: (points: number) => string;
  readonly left: (count: number) => string;
  readonly section: (name: string) => string;
  readonly row: (label: string) => string;
  readonly seat: (number: number) => string;
  readonly state: Readonly<Record<SeatState, string>>;
  readonly mostChosen: (most: number) => string;
  readonly seatChosen: (seat: string, count: number, most: number) => string;
  readonly seatGivenUp: (seat: string, count: number, most: number) => string;
  readonly seatLost: (seat: string) => string;
  readonly seatBack: (seat: string) => string;
};

const number = new Intl.NumberFormat('en');

const ko: Messages = {
  map: '좌석 배치도',
  mapHelp:
    '더하기와 빼기로 확대와 축소, 화살표로 이동, 0으로 전체 보기. 키보드로 좌석을 고르려면 좌석 목록을 쓰세요.',
  toList: '좌석 목록에서 고르기',
  list: '좌석 목록',
  stage: '무대',
  soldOut: '매진',
  zoomIn: '확대',
  zoomOut: '축소',
  wholeHall: '전체 보기',
  legend: '범례',
  chosen: '선택한 좌석',
  lost: '다른 분이 가져간 좌석',
  notLive: '지금은 최신 좌석 상태를 받지 못하고 있습니다. 다시 연결하는 중입니다.',
  showTaken: '선택할 수 없는 좌석도 보기',
  loading: '좌석 상태를 불러오는 중입니다.',
  nothingLeft: '지금 선택할 수 있는 좌석이 없습니다. 취소된 좌석이 나오면 여기에 나타납니다.',
  price: (amount) => shared.ko.points(amount),
  priceShort: (amount) => `${number.format(Math.round(amount / 1000) / 10)}만`,
  left: (count) => `${number.format(count)}석`,
  section: (name) => shared.ko.section(name),
  row: (label) => `${label}열`,
  seat: (number) => `${number}번`,
  state: {
    available: '선택 가능',
    reserved: '다른 분이 예약 중',
    paid: '판매됨',
    not_for_sale: '판매하지 않음',
  },
  mostChosen: (most) => `한 번에 ${most}석까지 고를 수 있습니다.`,
  seatChosen: (seat, count, most) => `${seat} 선택함. ${most}석 중 ${count}석.`,
  seatGivenUp: (seat, count, most) => `${seat} 선택 취소함. ${most}석 중 ${count}석.`,
  seatLost: (seat) => `${seat}: 다른 분이 먼저 예약했습니다. 다른 좌석을 골라 주세요.`,
  seatBack: (seat) => `${seat}: 다시 선택할 수 있습니다.`,
};

const en: Messages = {
  map: 'Seat map',
  mapHelp:
    'Plus and minus zoom, arrows move, 0 shows the whole hall. To choose seats with the keyboard, use the list of seats.',
  toList: 'Choose from a list',
  list: 'List of seats',
  stage: 'STAGE',
  soldOut: 'sold out',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  wholeHall: 'Whole hall',
  legend: 'Legend',
  chosen: 'your choice',
  lost: 'taken by another fan',
  notLive: 'The seats shown may be out of date. Connecting again.',
  showTaken: 'Show seats that cannot be chosen, too',
  loading: 'Loading which seats are free.',
  nothingLeft: 'No seat can be chosen right now. If one comes back, it appears here.',
  price: (amount) => shared.en.points(amount),
  priceShort: (amount) => `${number.format(Math.round(amount / 1000))}k`,
  left: (count) => `${number.format(count)} left`,
  section: (name) => shared.en.section(name),
  row: (label) => `Row ${label}`,
  seat: (number) => `Seat ${number}`,
  state: {
    available: 'available',
    reserved: 'held by another fan',
    paid: 'sold',
    not_for_sale: 'not for sale',
  },
  mostChosen: (most) => `You can choose up to ${most} seats at a time.`,
  seatChosen: (seat, count, most) => `${seat} chosen. ${count} of ${most}.`,
  seatGivenUp: (seat, count, most) => `${seat} given up. ${count} of ${most}.`,
  seatLost: (seat) => `${seat}: another fan was first. Please choose another seat.`,
  seatBack: (seat) => `${seat}: can be chosen again.`,
};

export const messagesIn = (language: Language): Messages => (language === 'ko' ? ko : en);
