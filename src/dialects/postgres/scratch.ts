import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Scratch } from '../scratch.js'

/** A database on the server at this URL, whose role may create databases; like the original where there is one. */
export async function postgresScratch(url: string, original = 'template0'): Promise<Scratch> {
  const name = `dbdoctor_scratch_${randomUUID().replaceAll('-', '')}`
  await executeAt(url, `create database ${name} template ${original}`)
  const target = new URL(url)
  target.pathname = `/${name}`
  return {
    target: target.href,
    execute: (statements) => executeAt(target.href, statements),
    copy: () => postgresScratch(url, name),
    remove: () => executeAt(url, `drop database ${name} with (force)`),
  }
}

/** Runs statements on a connection of their own. */
async function executeAt(url: string, statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statements)
  } finally {
    await client.end()
  }
}
