import { cleanup, render } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { Markdown } from '../src/text/Markdown';
import Rich from '../src/text/Rich';

afterEach(cleanup);

function shown(source: string, mentioned: string[] = []): HTMLElement {
  return render(<Rich source={source} mentioned={new Set(mentioned)} plain={source} />).container;
}

describe('Markdown', () => {
  it('shows what people write', () => {
    const page = shown('**bold** _soft_ ~~gone~~ `code`\n\n- one\n- two\n\n> said\n\n```\nx < 1\n```');
    for (const tag of ['strong', 'em', 'del', 'code', 'ul li', 'blockquote', 'pre code']) expect(page.querySelector(tag), tag).not.toBeNull();
    expect(page.querySelector('pre')?.textContent).toBe('x < 1');
  });

  it('shows plain text at once, with its lines and mentions', () => {
    const page = render(<Markdown source={'one @bob\ntwo'} mentioned={new Set(['bob'])} />).container;
    expect(page.textContent).toBe('one @bob\ntwo');
    expect(page.querySelector('.mention')?.textContent).toBe('@bob');
  });

  it.each([
    '<img src=x onerror=alert(1)>',
    '<script>alert(1)</script>',
    'a <b onclick="x()">b</b> c',
    '<a href="javascript:alert(1)">x</a>',
    '<style>*{display:none}</style>',
    '<!-- hidden -->',
    '| a |\n|---|\n| <iframe src="//evil"></iframe> |',
  ])('never interprets HTML: %s', (source) => {
    const page = shown(source);
    expect(page.querySelector('img, script, b, style, iframe, [onclick], [onerror], [href^="javascript"]')).toBeNull();
    for (const word of source.match(/[a-z]{3,}/g) ?? []) expect(page.textContent).toContain(word);
  });

  it.each(['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', '/relative', '//host/path', '&#106;avascript:alert(1)'])(
    'makes no link of %s',
    (href) => {
      expect(shown(`[click](${href})`).querySelector('a')).toBeNull();
    },
  );

  it('makes safe links of addresses', () => {
    const page = shown('see https://example.com/a and [mail](mailto:a@example.com) ![picture](https://example.com/p.png)');
    const links = [...page.querySelectorAll('a')];
    expect(links.map((link) => link.getAttribute('href'))).toEqual(['https://example.com/a', 'mailto:a@example.com', 'https://example.com/p.png']);
    for (const link of links) expect(link.rel).toBe('noopener noreferrer');
    expect(page.querySelector('img')).toBeNull();
  });

  it('marks those who are mentioned, and nobody else', () => {
    const page = shown('@bob and @carol, mail a@bob', ['bob']);
    expect([...page.querySelectorAll('.mention')].map((mark) => mark.textContent)).toEqual(['@bob']);
  });

  it.each(['>', '*', '_', '[', '![', '`', '~', '- ', '(', '<', '**a', '_a ', '[a](', '|', '\\', '&', '1. ', '\n> ', '`a`', '<a ', '[[]'])(
    'takes a text full of %j in its stride',
    (part) => {
      const page = shown(part.repeat(Math.floor(5000 / part.length)));
      expect(page.querySelectorAll('*').length).toBeLessThan(20_000);
    },
  );
});
