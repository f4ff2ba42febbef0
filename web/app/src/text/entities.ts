/**
 * Stands in for the library `entities`, of which the reader of Markdown asks no more: the names that people
 * type, and numbers. The other two thousand names stay as they were typed, and out of what a browser has to load.
 */
const names: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', copy: '©', reg: '®', hellip: '…', mdash: '—', ndash: '–', euro: '€' };

export function decodeHTML(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (raw, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return names[name] ?? raw;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';
  });
}

export const decodeHTMLStrict = decodeHTML;
