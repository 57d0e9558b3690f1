/** What a step of a repair changes: no row, rows, or a program that runs beside the database. */
export const repairClasses = ['safe', 'data', 'service'] as const

export type RepairClass = (typeof repairClasses)[number]
