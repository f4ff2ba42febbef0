import type { ReactNode } from 'react';

/** What is shown where there is nothing yet, and what to do about it. */
export function Empty({ icon, title, children }: { icon: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      {icon}
      <h3>{title}</h3>
      {children && <div>{children}</div>}
    </div>
  );
}

/** Grey bars where lines of text will be. */
export function Skeleton({ lines, label }: { lines: number; label: string }) {
  return (
    <div className="skeletons" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} className="skeleton shimmer" style={{ width: `${55 + ((index * 37) % 40)}%` }} />
      ))}
    </div>
  );
}
