/** Who may use the paths of operators, beside whoever is on the machine itself. */
export interface OperatorCertificateOptions {
  /** A file of CAs (PEM) that issue the certificates of operators, or `own`; nobody is asked for one where absent. */
  readonly operatorCa?: string
  /** Their revocation lists. */
  readonly operatorCrl?: string
}

/** The certificate that is shown to a node which asks operators for one. */
export interface ClientCertificateOptions {
  /** PEM. */
  readonly clientCertFile?: string | undefined
  /** Its private key, PEM. */
  readonly clientKeyFile?: string | undefined
}

export interface RunningServer {
  /** `http://127.0.0.1:7600` */
  readonly endpoint: string
  /** Finishes what is in flight, then closes everything. */
  stop(): Promise<void>
  /** Resolves when the server has ended, with the reason if it ended by itself. */
  readonly stopped: Promise<Error | undefined>
}

/** How many processes serve, and how each is started. */
export interface WorkersOptions {
  readonly count: number
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Where the files of the first worker are; those of the others are in folders within. */
  readonly dataFolder: string
  /** Where the store is; a file in the data folder when absent. */
  readonly store: string | undefined
  readonly keyfile: string | undefined
  /** How long each serves on when it is told to stop. */
  readonly drainSeconds: number
  readonly logLevel: string
  /** What was typed behind the program's name: each worker gets it, and where its own folder is. */
  readonly argv: readonly string[]
}

/** What a worker tells the process that watches it. Signs of life are sent for as long as it lives. */
export interface SupervisorLink {
  /** It serves. @returns whether there is still somebody who watches it */
  ready(endpoint: string): boolean
}

/** What serving with several processes takes; a part of `Program`. */
export interface WorkersProgram {
  /** Starts workers and keeps them running. */
  startWorkers(options: WorkersOptions): Promise<RunningServer>
  /** Makes this process a worker. @param number which one, from 1 on @throws OperatorError where nobody watches it */
  joinSupervisor(number: number, count: number): Promise<SupervisorLink>
}
