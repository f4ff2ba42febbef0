import { Component, type ReactNode } from 'react';
import { Empty } from './Empty';
import { CircleAlert } from './icons';

/** Says that something broke here, in place of an empty page. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <main className="room" role="alert">
        <Empty icon={<CircleAlert size={36} aria-hidden="true" />} title="Something went wrong on this page">
          <p>What you said is kept, and is sent when the page is loaded again.</p>
          <button type="button" className="button primary" onClick={() => location.reload()}>Load it again</button>
        </Empty>
      </main>
    );
  }
}
