import type { Catalog, Relation } from './catalog.js'
import type { Definition } from './definitions.js'

/** Tables of rows that were moved aside, as dbdoctor advises: no application knows them, and nobody expects them to be whole. */
const prefix = 'dbdoctor_quarantine_'

/** What the table is called into which rows of a table are moved for what some of its columns hold. */
export function quarantineOf(table: string, columns: readonly string[]): string {
  return [prefix + table, ...columns].join('_')
}

/** A catalog of what belongs to the application; what was moved aside is listed by name. */
export function withoutQuarantine(catalog: Omit<Catalog, 'quarantine'>): Catalog {
  const isKept = ({ name }: Pick<Relation, 'name'>) => !name.startsWith(prefix)
  return {
    ...catalog,
    tables: catalog.tables.filter(isKept),
    indexes: catalog.indexes.filter(({ table }) => isKept({ name: table })),
    foreignKeys: catalog.foreignKeys.filter(({ child }) => isKept(child)),
    checks: catalog.checks.filter(({ table }) => isKept(table)),
    triggers: catalog.triggers.filter(({ table }) => isKept(table)),
    quarantine: catalog.tables.filter((table) => !isKept(table)),
  }
}

/** Whether something is declared by what was moved aside. */
export function isQuarantined({ name, table = name }: Pick<Definition, 'name' | 'table'>): boolean {
  return table.startsWith(prefix)
}
