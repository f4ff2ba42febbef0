import { Pause, Play, Radio, Square } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { categories, everything, types, type Filter } from './filter';
import type { LogPlayer, LogState } from './player';

const speeds = [1, 10, 100, 1000] as const;

interface Props {
  filter: Filter;
  state: LogState;
  player: LogPlayer;
  onChange: (filter: Filter) => void;
}

/** What of the log is wanted, and how: a page of it, live, or as it went. */
export function FilterForm({ filter, state, player, onChange }: Props) {
  const [speed, setSpeed] = useState<number>(10);
  const set = (name: keyof Filter) => (event: { target: { value: string } }) => onChange({ ...filter, [name]: event.target.value });
  const live = state.mode === 'follow' || state.mode === 'replay';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void player.show(filter);
  };
  const replay = () => {
    player.speed = speed;
    void player.replay(filter);
  };
  return (
    <form className="ops-filter" aria-label="Filter the log" onSubmit={submit}>
      <label className="field">
        <span className="label">Type</span>
        <select className="input" value={filter.type} onChange={set('type')}>
          <option value="">all</option>
          {types.map((type) => <option key={type}>{type}</option>)}
        </select>
      </label>
      <label className="field">
        <span className="label">Category</span>
        <select className="input" value={filter.category} onChange={set('category')}>
          <option value="">all</option>
          {categories.map((category) => <option key={category}>{category}</option>)}
        </select>
      </label>
      <label className="field">
        <span className="label">Stream</span>
        <input className="input" value={filter.stream} placeholder="messages-general" maxLength={300} spellCheck={false} onChange={set('stream')} />
      </label>
      <label className="field">
        <span className="label">From position</span>
        <input className="input" type="number" min={1} step={1} value={filter.from} onChange={set('from')} />
      </label>
      <label className="field">
        <span className="label">To position</span>
        <input className="input" type="number" min={1} step={1} value={filter.to} onChange={set('to')} />
      </label>
      <label className="field">
        <span className="label">Since</span>
        <input className="input" type="datetime-local" step={1} value={filter.since} onChange={set('since')} />
      </label>
      <label className="field">
        <span className="label">Until</span>
        <input className="input" type="datetime-local" step={1} value={filter.until} onChange={set('until')} />
      </label>
      <div className="ops-actions">
        <button type="submit" className="button primary">Show</button>
        <button type="button" className="button" onClick={() => (onChange(everything), void player.show(everything))}>Clear</button>
        <button type="button" className="button" disabled={state.mode === 'follow'} onClick={() => void player.follow(filter)}>
          <Radio size={16} aria-hidden="true" /> Follow live
        </button>
        <button type="button" className="button" disabled={state.mode === 'replay'} onClick={replay}>
          <Play size={16} aria-hidden="true" /> Replay
        </button>
        <label className="row">
          <span className="label muted small">Speed</span>
          <select
            className="input"
            value={speed}
            onChange={(event) => {
              setSpeed(Number(event.target.value));
              player.speed = Number(event.target.value);
            }}
          >
            {speeds.map((times) => <option key={times} value={times}>{times}×</option>)}
          </select>
        </label>
        {state.mode === 'replay' && (
          <button type="button" className="button" onClick={() => player.togglePause()}>
            {state.paused ? <Play size={16} aria-hidden="true" /> : <Pause size={16} aria-hidden="true" />} {state.paused ? 'Go on' : 'Pause'}
          </button>
        )}
        {live && (
          <button type="button" className="button danger" onClick={() => player.stop()}>
            <Square size={16} aria-hidden="true" /> Stop
          </button>
        )}
      </div>
    </form>
  );
}
