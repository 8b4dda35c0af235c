/** Fails behind one word alone: what finds it by chance has to draw all of its bytes at once. */
export function openDoor(input: Uint8Array): void {
  if (input[0] !== 0x44) return
  if (input[1] !== 0x4f) return
  if (input[2] !== 0x4f) return
  if (input[3] !== 0x52) return
  throw new Error('the door is open')
}
