/** A secret in the forms in which it could be written down, each long enough to be no chance. */
export const formsOf = (secret: Uint8Array): readonly string[] => {
  const bytes = Buffer.from(secret)
  const utf8 = bytes.toString('utf8')
  return [
    utf8,
    JSON.stringify(utf8).slice(1, -1),
    bytes.toString('latin1'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    // Base64 of a part that begins elsewhere looks different: all three phases, without their ends.
    ...[0, 1, 2].flatMap((skip) => {
      const part = bytes.subarray(skip, bytes.length - ((bytes.length - skip) % 3))
      return [part.toString('base64'), part.toString('base64url')]
    }),
    // As `inspect` and JSON show bytes.
    [...bytes.subarray(0, 8)].join(','),
    [...bytes.subarray(0, 8)].join(', '),
    (bytes.subarray(0, 12).toString('hex').match(/../g) ?? []).join(' '),
  ]
}
