import { lazy, memo, Suspense, type ReactNode } from 'react';

// Where it is gone with an older version of the page, the text is shown as it was typed.
const Rich = lazy(() => import('./Rich').catch(() => ({ default: ({ plain }: { plain: ReactNode }) => plain })));

interface Props {
  source: string;
  /** The names that are mentions where they follow an @. */
  mentioned?: ReadonlySet<string>;
}

/** A message as it is meant. What has no marks in it is shown at once; the reader of Markdown comes when it is needed. */
export const Markdown = memo(function Markdown({ source, mentioned = nobody }: Props) {
  const plain = <div className="text">{withMentions(source, mentioned)}</div>;
  if (!looksRich(source)) return plain;
  return (
    <Suspense fallback={plain}>
      <Rich source={source} mentioned={mentioned} plain={plain} />
    </Suspense>
  );
});

const nobody: ReadonlySet<string> = new Set();

function looksRich(source: string): boolean {
  return /[*_`~[\]<>#|\\&]|:\/\/|@\S+\.|^\s*(?:[-+]|\d+[.)])\s|^\s*(?:---|===)/m.test(source);
}

/** A text in which those who are mentioned stand out. */
export function withMentions(text: string, names: ReadonlySet<string>): ReactNode {
  if (names.size === 0 || !text.includes('@')) return text;
  return text.split(/(?<![\p{L}\p{N}])(@[\p{L}\p{N}_.-]+)/u).map((part, index) =>
    index % 2 === 1 && names.has(part.slice(1)) ? <span key={index} className="mention">{part}</span> : part,
  );
}
