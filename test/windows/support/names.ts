/** SIDs of the one user of a Wine machine, an administrator, and of the group that owns what it makes. */
export const WINE_USERS = ['S-1-5-21-0-0-0-1000', 'S-1-5-21-0-0-0-513'] as const;
