export interface Attachment {
  url: string;
  name: string;
  contentType: string;
  size: number;
}

export interface Draft {
  text: string;
  attachments: Attachment[];
}

export const noDraft: Draft = { text: '', attachments: [] };

const drafts = new Map<string, Draft>();
const most = 50; // rooms whose drafts are kept; the oldest go

export function readDraft(key: string): Draft {
  return drafts.get(key) ?? noDraft;
}

export function keepDraft(key: string, draft: Draft): void {
  drafts.delete(key);
  drafts.set(key, draft);
  for (const oldest of drafts.keys()) {
    if (drafts.size <= most) break;
    drafts.delete(oldest);
  }
}

export function dropDraft(key: string): void {
  drafts.delete(key);
}
