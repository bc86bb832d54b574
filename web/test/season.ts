/** The season of these stories: a small room on sale, and a hall whose sale opens so many seconds from now. */
export const seasonOpeningIn = (seconds: number): string => `
season: stories
concerts:
  - id: blue-hour
    title: { en: 'Blue Hour: An Evening of Standards', ko: '블루 아워: 스탠더드의 밤' }
    artist: { en: Yun Haru Trio, ko: 윤하루 트리오 }
    venue: VENUES/lantern-room.yaml
    onSaleAt: 2026-01-01T12:00:00+09:00
    prices: { R: 66000, S: 50000 }
    performances:
${Array.from({ length: 9 }, (_, index) => `      - { id: blue-hour-${index + 1}, startsAt: 2030-09-0${index + 1}T20:00:00+09:00 }`).join('\n')}
  - id: resurrection
    title: { en: 'Mahler: Symphony No. 2 “Resurrection”', ko: '말러 교향곡 제2번 〈부활〉' }
    artist: { en: Garam Philharmonic Orchestra, ko: 가람 필하모닉 오케스트라 }
    venue: VENUES/garam-hall.yaml
    onSaleAt: ${new Date(Date.now() + seconds * 1_000).toISOString()}
    prices: { VIP: 150000, R: 120000, S: 80000, A: 40000 }
    performances:
      - { id: resurrection-1, startsAt: 2030-11-05T19:30:00+09:00 }
`;
