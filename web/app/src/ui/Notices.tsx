import { X } from './icons';
import { createContext, use, useCallback, useEffect, useState, type ReactNode } from 'react';
import { messageOf } from './errors';

interface Notice {
  id: number;
  text: string;
}

interface Notify {
  tell: (text: string) => void;
  /** Tells of a failure; to be given to catch. */
  fail: (error: unknown) => void;
}

const NoticeContext = createContext<Notify | null>(null);
const most = 3;
const shownFor = 7000; // ms
let lastId = 0;

/** Short messages to the user, which go by themselves. */
export function Notices({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<Notice[]>([]);
  const tell = useCallback((text: string) => setNotices((now) => [...now.filter((notice) => notice.text !== text), { id: ++lastId, text }].slice(-most)), []);
  const [notify] = useState<Notify>(() => ({ tell, fail: (error) => tell(messageOf(error)) }));
  const drop = useCallback((id: number) => setNotices((now) => now.filter((notice) => notice.id !== id)), []);
  return (
    <NoticeContext value={notify}>
      {children}
      <div className="notices" role="alert">
        {notices.map((notice) => <NoticeItem key={notice.id} notice={notice} onDrop={drop} />)}
      </div>
    </NoticeContext>
  );
}

function NoticeItem({ notice, onDrop }: { notice: Notice; onDrop: (id: number) => void }) {
  useEffect(() => {
    const timer = setTimeout(() => onDrop(notice.id), shownFor);
    return () => clearTimeout(timer);
  }, [notice.id, onDrop]);
  return (
    <div className="notice rise">
      <span className="grow">{notice.text}</span>
      <button type="button" className="icon-button small" aria-label="Dismiss" onClick={() => onDrop(notice.id)}>
        <X size={16} aria-hidden="true" />
      </button>
    </div>
  );
}

export function useNotices(): Notify {
  const notify = use(NoticeContext);
  if (!notify) throw new Error('There are no <Notices> above.');
  return notify;
}
