/** How much a run may read. `quick`: catalog and probes, no row is scanned; `deep`: whatever proves most, however long it takes. */
export const depths = ['quick', 'standard', 'deep'] as const
export type Depth = (typeof depths)[number]
