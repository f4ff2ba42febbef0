import { useEffect, useId, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '../ui/theme';

export interface Line {
  name: string;
  values: readonly (number | null)[];
}

interface Props {
  title: string;
  /** Seconds since 1970. */
  at: readonly number[];
  lines: readonly Line[];
  format: (value: number | null | undefined) => string;
}

const height = 150; // px

/** Lines over time. What they say at the end stands beside their names, for those who do not see them, too. */
export function Chart({ title, at, lines, format }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const theme = useTheme();
  const id = useId();
  const names = lines.map((line) => line.name).join();
  const shown = useRef<Props>(null);
  shown.current = { title, at, lines, format };

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const draw = () => {
      plot.current?.destroy();
      const { at, lines, format } = shown.current!;
      plot.current = new uPlot(options(element, lines, format), data(at, lines), element);
    };
    draw();
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    return () => {
      dark.removeEventListener('change', draw);
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [names, theme]);

  useEffect(() => plot.current?.setData(data(at, lines)), [at, lines]);

  return (
    <figure className="ops-chart" aria-labelledby={id}>
      <figcaption>
        <h3 id={id}>{title}</h3>
        <ul>
          {lines.map((line, index) => (
            <li key={line.name} className={`line-${index}`}>
              <span>{line.name}</span> <output>{format(line.values.findLast((value) => value !== null))}</output>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={box} className="ops-plot" aria-hidden="true" />
    </figure>
  );
}

const data = (at: readonly number[], lines: readonly Line[]): uPlot.AlignedData =>
  [at, ...lines.map((line) => line.values)] as unknown as uPlot.AlignedData;

function options(element: HTMLElement, lines: readonly Line[], format: Props['format']): uPlot.Options {
  const colour = colours(element);
  const axis = { stroke: colour('--text-soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: '11px Inter, system-ui, sans-serif' };
  return {
    width: element.clientWidth,
    height,
    padding: [8, 8, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, 1)] } },
    axes: [
      { ...axis, size: 26, gap: 4, space: 72, values: (_, splits) => times(splits) },
      { ...axis, size: 62, space: 30, values: (_, splits) => splits.map((value) => format(value)) },
    ],
    series: [{}, ...lines.map((_, index) => ({ stroke: colour(`--line-${index}`), width: 1.5, points: { show: false }, spanGaps: true }))],
  };
}

const minutes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Times on the axis, with seconds where minutes would not tell them apart. */
function times(splits: readonly number[]): string[] {
  const clock = (splits[1] ?? Infinity) - (splits[0] ?? 0) < 60 ? seconds : minutes;
  return splits.map((at) => clock.format(at * 1000));
}

/** The colours of the style sheet as a canvas understands them: light-dark() and the like are worked out. */
function colours(element: HTMLElement): (variable: string) => string {
  return (variable) => {
    element.style.color = `var(${variable})`;
    const colour = getComputedStyle(element).color;
    element.style.color = '';
    return colour;
  };
}
