/**
 * Generates the committed tables from the service models under `models/`. Same input, same bytes:
 * a test compares. Run as a program it writes the files.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { renderErrorCodes } from './render-error-codes.ts'
import { folderOf, renderModel } from './render-model.ts'
import { parseModel, type ServiceDescription } from './service-description.ts'

const SERVICES = ['cloudtrail', 'iam', 'kms', 'monitoring', 's3', 'sts']
const ROOT = new URL('../', import.meta.url)

const readModel = (path: string): ServiceDescription =>
  parseModel(readFileSync(new URL(path, ROOT), 'utf8'))

/** Every generated file: path below the repository's root, and text. */
export const generateFiles = (): ReadonlyMap<string, string> => {
  const models = SERVICES.map((service) => readModel(`models/${service}.json`))
  return new Map([
    ['src/core/error-codes.ts', renderErrorCodes(models)],
    ...models.map((model): [string, string] => [
      `src/services/${folderOf(model.meta)}/model.ts`,
      renderModel(model),
    ]),
  ])
}

if (import.meta.main) {
  for (const [path, text] of generateFiles()) writeFileSync(new URL(path, ROOT), text)
}
