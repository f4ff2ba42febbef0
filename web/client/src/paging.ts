interface Listing<T> {
  items: T[];
  nextCursor?: string;
  position: string;
}

const pageSize = 200;

/** All pages of a list. What is true of the first one's position is known of all. */
export async function everything<T>(
  page: (query: { limit: number; cursor?: string }) => Promise<Listing<T>>,
): Promise<{ items: T[]; position: string }> {
  const items: T[] = [];
  let position: string | null = null;
  for (let cursor: string | undefined; ; ) {
    const next = await page({ limit: pageSize, ...(cursor && { cursor }) });
    items.push(...next.items);
    position ??= next.position;
    cursor = next.nextCursor;
    if (!cursor) return { items, position };
  }
}
