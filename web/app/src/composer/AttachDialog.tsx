import { useState, type FormEvent } from 'react';
import { Dialog } from '../ui/Dialog';
import type { Attachment } from './drafts';

interface Props {
  onAttach: (attachment: Attachment) => void;
  onClose: () => void;
}

/** Files live elsewhere: what is attached is where. */
export function AttachDialog({ onAttach, onClose }: Props) {
  const [url, setUrl] = useState('');
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState(false);
  const attach = (event: FormEvent) => {
    event.preventDefault();
    const address = webAddress(url);
    if (!address) return setWrong(true);
    onAttach({ url: address.href, name: name.trim() || nameOf(address), contentType: '', size: 0 });
    onClose();
  };
  return (
    <Dialog title="Attach a link" onClose={onClose}>
      <form className="stack" onSubmit={attach} noValidate>
        <div className="field">
          <label htmlFor="attach-url">Address</label>
          <input id="attach-url" className="input" type="url" placeholder="https://" maxLength={2048} autoFocus aria-invalid={wrong} aria-describedby={wrong ? 'attach-wrong' : undefined} value={url} onChange={(event) => setUrl(event.target.value)} />
        </div>
        <div className="field">
          <label htmlFor="attach-name">Name</label>
          <input id="attach-name" className="input" type="text" placeholder="What people see" maxLength={255} value={name} onChange={(event) => setName(event.target.value)} />
        </div>
        {wrong && <p id="attach-wrong" className="alert" role="alert">This is no address that begins with http:// or https://.</p>}
        <div className="row end">
          <button type="submit" className="button primary">Attach</button>
        </div>
      </form>
    </Dialog>
  );
}

function webAddress(text: string): URL | undefined {
  const url = URL.parse(text.trim());
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}

function nameOf(url: URL): string {
  return url.pathname.split('/').filter(Boolean).at(-1) ?? url.hostname;
}
