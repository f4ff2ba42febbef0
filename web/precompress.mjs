// Puts a .br and a .gz beside each file of the built page that gets smaller by it. The server hands them out as they are.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const folder = fileURLToPath(new URL('dist/app', import.meta.url))
const text = /\.(html|js|mjs|css|svg|json|txt|webmanifest)$/
const worth = 0.9 // of the size; what saves less is not kept

const smaller = (data) => ({
  '.br': brotliCompressSync(data, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length },
  }),
  '.gz': gzipSync(data, { level: 9 }),
})

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !text.test(entry.name)) continue
  const file = join(entry.parentPath ?? entry.path, entry.name)
  const data = readFileSync(file)
  for (const [suffix, packed] of Object.entries(smaller(data))) {
    if (packed.length < worth * data.length) writeFileSync(file + suffix, packed)
  }
}
