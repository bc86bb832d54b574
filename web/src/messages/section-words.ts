/**
 * The names of sections in Korean. A venue file has one name for a section, which stands in every seat's label, on tickets and in
 * what the promoter gets; these are the words that the usual English names are made of. A name with a word that is not among them
 * is shown as it is in the file: a promoter who writes Korean names sees just those.
 */
const words: ReadonlyMap<string, string> = new Map(
  Object.entries({
    floor: '플로어',
    raised: '단상석',
    standing: '스탠딩',
    stalls: '1층',
    circle: '2층',
    balcony: '발코니',
    gallery: '갤러리',
    box: '박스석',
    boxes: '박스석',
    lower: '하층',
    upper: '상층',
    front: '앞쪽',
    rear: '뒤쪽',
    left: '왼쪽',
    centre: '가운데',
    center: '가운데',
    right: '오른쪽',
  }),
);

/** Korean says the larger place first: the rear of the stalls is `1층 뒤쪽`. */
const places = new Set(['front', 'rear']);

export function koreanSection(name: string): string {
  const parts = name.toLowerCase().split(' ');
  const [first = '', second, ...rest] = parts;
  const inOrder =
    places.has(first) && second !== undefined && !isNumber(second) ? [second, first, ...rest] : parts;
  const said = inOrder.map((part) => words.get(part) ?? (isNumber(part) ? part : null));
  return said.includes(null) ? name : said.join(' ');
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);
