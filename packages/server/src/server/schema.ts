/** What the database schema of this version is made of, for those who need it without starting the modules. */
import type { Module } from '../engine/module.ts'
import { accessMigrations } from '../modules/access/module.ts'

export const schemaModules: readonly Pick<Module, 'name' | 'migrations'>[] = [
  { name: 'access', migrations: accessMigrations },
]
