/**
 * The part of Standard Schema that contracts rest on, so that an application may describe its payloads with any
 * library that follows it. A schema must also tell its JSON Schema: documents and the console's forms are made of it.
 * https://standardschema.dev
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    readonly jsonSchema: {
      readonly input: (options: JsonSchemaOptions) => Record<string, unknown>
      readonly output: (options: JsonSchemaOptions) => Record<string, unknown>
    }
  }
}

export interface JsonSchemaOptions {
  /** The dialect of AsyncAPI's own schema objects: in a later one, a tuple would mean something else to its tools. */
  readonly target: 'draft-07'
  /** What only one library understands, such as zod's `unrepresentable`; the others ignore it. */
  readonly libraryOptions?: Record<string, unknown>
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What is sent. */
export type InputOf<Schema> = Schema extends StandardSchema<infer Input, unknown> ? Input : never

/** What arrives, with defaults filled in. */
export type OutputOf<Schema> = Schema extends StandardSchema<infer _Input, infer Output> ? Output : never
