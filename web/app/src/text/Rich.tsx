import MarkdownIt from 'markdown-it';
import type { Token } from 'markdown-it';
import { createElement, type ReactNode } from 'react';
import { withMentions } from './Markdown';

interface Props {
  source: string;
  mentioned: ReadonlySet<string>;
  /** What is shown where the text is no Markdown that anybody would write. */
  plain: ReactNode;
}

/**
 * Markdown as elements. The library says what a text means; elements are made from that, never from markup, so
 * that there is nothing to sanitise: HTML in a message is shown as it was typed. Links lead to the web and to mail
 * alone, and pictures are links, since loading one tells its host who reads.
 */
export default function Rich({ source, mentioned, plain }: Props) {
  const tokens = read(source);
  return tokens ? <div className="text rich">{build(tokens, mentioned)}</div> : plain;
}

const reader = new MarkdownIt({ html: false, linkify: true, breaks: true });
reader.linkify.set({ fuzzyLink: false });
reader.validateLink = isSafe;

const maxNesting = 24;

function read(source: string): Token[] | undefined {
  const tokens = reader.parse(source, {});
  return tokens.some((token) => token.level > maxNesting) ? undefined : tokens;
}

/** Whether a link may be followed: addresses of the web and of mail, in full. */
export function isSafe(href: string): boolean {
  return URL.canParse(href) && ['http:', 'https:', 'mailto:'].includes(new URL(href).protocol);
}

// What may be made, by the names that the library has for it. Headings have no place in the outline of the page.
const elements = new Map([
  ...['p', 'blockquote', 'ul', 'ol', 'li', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'strong', 'em', 'a'].map((tag) => [tag, tag] as const),
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((tag) => [tag, 'strong'] as const),
  ['s', 'del'],
]);

interface Open {
  token: Token | undefined;
  children: ReactNode[];
}

/** Makes a tree of the list of tokens, in which each element is an opening and a closing one. */
function build(tokens: readonly Token[], names: ReadonlySet<string>): ReactNode[] {
  const root: Open = { token: undefined, children: [] };
  const open = [root];
  for (const token of tokens) {
    if (token.nesting === 1) {
      open.push({ token, children: [] });
      continue;
    }
    const done = token.nesting === -1 && open.length > 1 ? open.pop() : undefined;
    const parent = open.at(-1) ?? root;
    const key = parent.children.length;
    parent.children.push(done?.token ? element(done.token, done.children, key) : leaf(token, names, key));
  }
  return root.children;
}

function element(token: Token, children: ReactNode[], key: number): ReactNode {
  const tag = elements.get(token.tag);
  if (!tag || token.hidden) return children;
  if (token.type === 'heading_open') return <p key={key}><strong>{children}</strong></p>;
  if (tag === 'a') return <Link key={key} href={token.attrGet('href') ?? ''}>{children}</Link>;
  if (tag === 'ol') return <ol key={key} start={Number(token.attrGet('start') ?? 1)}>{children}</ol>;
  return createElement(tag, { key }, ...children);
}

function leaf(token: Token, names: ReadonlySet<string>, key: number): ReactNode {
  switch (token.type) {
    case 'inline':
      return build(token.children ?? [], names);
    case 'softbreak':
    case 'hardbreak':
      return <br key={key} />;
    case 'hr':
      return <hr key={key} />;
    case 'code_inline':
      return <code key={key}>{token.content}</code>;
    case 'fence':
    case 'code_block':
      return <pre key={key} tabIndex={0}><code>{token.content.replace(/\n$/, '')}</code></pre>;
    case 'image':
      return <Link key={key} href={token.attrGet('src') ?? ''}>{token.content || token.attrGet('src')}</Link>;
    default:
      return withMentions(token.content, names);
  }
}

function Link({ href, children }: { href: string; children: ReactNode }) {
  return <a href={href} target="_blank" rel="noopener noreferrer">{children}</a>;
}
