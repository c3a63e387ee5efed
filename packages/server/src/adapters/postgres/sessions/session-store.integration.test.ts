/** Sessions in PostgreSQL keep the promises of every store, and their own, when parts break. */
import { inject } from 'vitest'
import { describeSessionStoreContract } from '../../../engine/testing/session-store-contract.ts'
import { openSessionWorld } from './testing/session-world.ts'

const openWorld = () => openSessionWorld(inject('postgresUrl'))

describeSessionStoreContract('PostgreSQL', openWorld)
