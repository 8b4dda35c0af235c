import assert from 'node:assert/strict'
import { constants, createDecipheriv, type KeyObject, privateDecrypt } from 'node:crypto'

/** An element of BER; the children of a constructed one, or the content of a primitive one. */
interface Element {
  readonly tag: number
  readonly isIndefinite: boolean
  readonly content: Buffer
  readonly children: readonly Element[]
  readonly end: number
}

const CONSTRUCTED = 0x20

/** Reads one element of BER, of definite or indefinite length. **Source:** ITU-T X.690, section 8. */
function readBer(bytes: Buffer, at = 0): Element {
  const tag = bytes.readUInt8(at)
  const first = bytes.readUInt8(at + 1)
  const isIndefinite = first === 0x80
  const lengthBytes = first > 0x80 ? first - 0x80 : 0
  const start = at + 2 + lengthBytes
  const length = lengthBytes > 0 ? bytes.readUIntBE(at + 2, lengthBytes) : first
  const children: Element[] = []
  let end = isIndefinite ? start : start + length
  assert.ok(end <= bytes.length, 'the element is complete')
  if ((tag & CONSTRUCTED) !== 0) {
    let next = start
    while (isIndefinite ? bytes.readUInt16BE(next) !== 0 : next < end) {
      const child = readBer(bytes, next)
      children.push(child)
      next = child.end
    }
    if (isIndefinite) end = next + 2
  }
  const content = bytes.subarray(start, isIndefinite ? end - 2 : end)
  return { tag, isIndefinite, content, children, end }
}

/** The shape of a message: tags, which of them are of indefinite length, and the public values. */
export function berOutline(bytes: Uint8Array): unknown {
  const outline = ({ tag, isIndefinite, children, content }: Element): unknown => {
    const label = `${tag.toString(16)}${isIndefinite ? ' indefinite' : ''}`
    if ((tag & CONSTRUCTED) !== 0) return { [label]: children.map(outline) }
    const isPublic = tag === 0x06 || tag === 0x02
    return isPublic ? `${label} ${content.toString('hex')}` : `${label}, ${content.length} bytes`
  }
  return outline(readBer(Buffer.from(bytes)))
}

/** Opens CMS EnvelopedData with one recipient. Written for the tests alone. **Source:** RFC 5652, section 6. */
export function openEnvelopedData(bytes: Uint8Array, privateKey: KeyObject): Buffer {
  const message = readBer(Buffer.from(bytes))
  assert.equal(message.end, bytes.length, 'nothing follows the message')
  const [contentType, explicit] = message.children
  assert.equal(contentType?.content.toString('hex'), '2a864886f70d010703')
  const [version, recipients, encrypted] = explicit?.children[0]?.children ?? []
  assert.equal(version?.content.toString('hex'), '02')
  assert.equal(recipients?.children.length, 1)
  const [, , , encryptedKey] = recipients?.children[0]?.children ?? []
  const [dataType, algorithm, content] = encrypted?.children ?? []
  assert.equal(dataType?.content.toString('hex'), '2a864886f70d010701')
  const [cipherId, iv] = algorithm?.children ?? []
  assert.equal(cipherId?.content.toString('hex'), '60864801650304012a')
  assert.ok(encryptedKey && iv && content)
  const key = privateDecrypt(
    { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
    encryptedKey.content,
  )
  const decipher = createDecipheriv('aes-256-cbc', key, iv.content)
  const pieces = content.children.map((piece) => decipher.update(piece.content))
  return Buffer.concat([...pieces, decipher.final()])
}
