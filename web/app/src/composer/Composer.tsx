import { Link2, SendHorizontal, Smile, X } from '../ui/icons';
import { lazy, Suspense, useId, useLayoutEffect, useRef, useState, type FormEvent, type KeyboardEvent } from 'react';
import { AttachDialog } from './AttachDialog';
import { dropDraft, keepDraft, noDraft, readDraft, type Attachment, type Draft } from './drafts';
import { MentionList } from './MentionList';
import { mentionedIn, type Person } from './mentions';
import { useMentions } from './useMentions';

const EmojiPicker = lazy(() => import('./EmojiPicker'));

export interface Outgoing {
  content: string;
  attachments: Attachment[];
  mentions: string[];
}

interface Props {
  /** Tells drafts apart; what was typed is still there when one comes back. */
  draftKey: string;
  placeholder: string;
  people: readonly Person[];
  label?: string;
  sendLabel?: string;
  onSend: (message: Outgoing) => void;
  onTyping?: () => void;
  /** Whether it takes the focus when it appears. */
  eager?: boolean;
  /** Arrow up in an empty composer. */
  onEditLast?: () => void;
}

const maxLength = 5000; // code points, as the server counts them
const maxAttachments = 10;

export function Composer({ draftKey, placeholder, people, label = 'Message', sendLabel = 'Send', eager = false, onSend, onTyping, onEditLast }: Props) {
  const [draft, setDraftState] = useState(() => readDraft(draftKey));
  const [caret, setCaret] = useState(draft.text.length);
  const [open, setOpen] = useState<'emoji' | 'attach'>();
  const area = useRef<HTMLTextAreaElement>(null);
  const listId = useId();

  const setDraft = (next: Draft) => {
    setDraftState(next);
    keepDraft(draftKey, next);
  };
  const replace = (from: number, to: number, by: string) => {
    setDraft({ ...draft, text: draft.text.slice(0, from) + by + draft.text.slice(to) });
    setCaret(from + by.length);
    area.current?.focus();
  };
  const mentions = useMentions(draft.text, caret, people, replace);
  useCaret(area, caret, draft.text);

  const left = maxLength - [...draft.text].length;
  const empty = draft.text.trim() === '' && draft.attachments.length === 0;
  const send = (event?: FormEvent) => {
    event?.preventDefault();
    if (empty || left < 0) return;
    onSend({ content: draft.text.trim(), attachments: draft.attachments, mentions: mentionedIn(draft.text, people) });
    dropDraft(draftKey);
    setDraftState(noDraft);
    setCaret(0);
    area.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (mentions.onKey(event)) event.preventDefault();
    else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === 'ArrowUp' && draft.text === '' && onEditLast) {
      event.preventDefault();
      onEditLast();
    }
  };

  return (
    <>
    <form className="composer" aria-label={label === 'Message' ? 'Composer' : label} onSubmit={send}>
      {mentions.found.length > 0 && <MentionList id={listId} people={mentions.found} active={mentions.chosen} onPick={mentions.pick} />}
      {draft.attachments.length > 0 && (
        <ul className="attachments" aria-label="Attached links">
          {draft.attachments.map((attachment, index) => (
            <li key={index} className="attachment">
              <span className="truncate">{attachment.name}</span>
              <button
                type="button"
                className="icon-button small"
                aria-label={`Remove ${attachment.name}`}
                onClick={() => setDraft({ ...draft, attachments: draft.attachments.filter((_, at) => at !== index) })}
              >
                <X size={14} aria-hidden="true" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <textarea
        ref={area}
        rows={1}
        autoFocus={eager}
        aria-label={label}
        aria-autocomplete="list"
        aria-controls={mentions.found.length > 0 ? listId : undefined}
        aria-activedescendant={mentions.found.length > 0 ? `${listId}-${mentions.chosen}` : undefined}
        placeholder={placeholder}
        value={draft.text}
        onChange={(event) => {
          setDraft({ ...draft, text: event.target.value });
          setCaret(event.target.selectionEnd);
          if (event.target.value.trim() !== '') onTyping?.();
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionEnd)}
        onKeyDown={onKeyDown}
      />
      <div className="tools">
        <button type="button" className="icon-button" aria-label="Emoji" aria-expanded={open === 'emoji'} onClick={() => setOpen('emoji')}>
          <Smile size={19} aria-hidden="true" />
        </button>
        <button type="button" className="icon-button" aria-label="Attach a link" disabled={draft.attachments.length >= maxAttachments} onClick={() => setOpen('attach')}>
          <Link2 size={19} aria-hidden="true" />
        </button>
        {left < 500 && <span className={left < 0 ? 'count over' : 'count'}>{left < 0 ? `${-left} too many` : `${left} left`}</span>}
        <button type="submit" className="button primary small" aria-label={sendLabel} disabled={empty || left < 0}>
          <SendHorizontal size={17} aria-hidden="true" />
        </button>
      </div>
      {open === 'emoji' && (
        <Suspense>
          <EmojiPicker
            onClose={() => setOpen(undefined)}
            onPick={(emoji) => {
              replace(caret, caret, emoji);
              setOpen(undefined);
            }}
          />
        </Suspense>
      )}
    </form>
    {open === 'attach' && (
      <AttachDialog
        onClose={() => setOpen(undefined)}
        onAttach={(attachment) => setDraft({ ...draft, attachments: [...draft.attachments, attachment] })}
      />
    )}
    </>
  );
}

/** Puts the caret where a completion ended, which the browser would leave at the end of the text. */
function useCaret(area: React.RefObject<HTMLTextAreaElement | null>, caret: number, text: string): void {
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    if (document.activeElement === element && element.selectionEnd !== caret) element.setSelectionRange(caret, caret);
    if (CSS.supports('field-sizing', 'content')) return;
    // What is around it keeps its height while it is measured: else the timeline would move, as if somebody had scrolled it.
    const around = element.parentElement;
    if (around) around.style.height = `${around.getBoundingClientRect().height}px`;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
    if (around) around.style.height = '';
  }, [area, caret, text]);
}
