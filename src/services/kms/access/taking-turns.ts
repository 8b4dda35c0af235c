import { setImmediate as others } from 'node:timers/promises'

/** How many items are worked on before other work of the node has its turn: some milliseconds. */
const AT_A_TIME = 32

/** The items as they come, with room in between for calls that wait: a list of thousands must not hold them up. */
export async function* takingTurns<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  let count = 0
  for await (const item of items) {
    yield item
    count += 1
    if (count % AT_A_TIME === 0) await others()
  }
}
