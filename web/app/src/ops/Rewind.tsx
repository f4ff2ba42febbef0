import { useState, type FormEvent } from 'react';
import { Dialog } from '../ui/Dialog';
import { count } from './format';

export interface Place {
  position?: string;
  time?: string;
}

interface Props {
  name: string;
  /** The end of the log. */
  head: string;
  onRewind: (place: Place) => void;
  onClose: () => void;
}

/** Asks from where on a consumer shall read. */
export function Rewind({ name, head, onRewind, onClose }: Props) {
  const [by, setBy] = useState<'position' | 'time'>('position');
  const [position, setPosition] = useState('0');
  const [time, setTime] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onRewind(by === 'position' ? { position } : { time: new Date(time).toISOString() });
    onClose();
  };
  return (
    <Dialog title={`Rewind ${name}`} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <fieldset className="ops-choice">
          <legend className="sr-only">By</legend>
          <label><input type="radio" name="by" checked={by === 'position'} onChange={() => setBy('position')} /> by position</label>
          <label><input type="radio" name="by" checked={by === 'time'} onChange={() => setBy('time')} /> by time</label>
        </fieldset>
        {by === 'position' ? (
          <label className="field">
            <span className="label">Go on after position (0 to {count(Number(head))})</span>
            <input className="input" type="number" min={0} max={head} step={1} required value={position} onChange={(event) => setPosition(event.target.value)} />
          </label>
        ) : (
          <label className="field">
            <span className="label">Go on after</span>
            <input className="input" type="datetime-local" step={1} required value={time} onChange={(event) => setTime(event.target.value)} />
          </label>
        )}
        <p className="muted small">What follows is delivered again.</p>
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="button primary">Rewind</button>
        </div>
      </form>
    </Dialog>
  );
}
