/** The version of this package, as the scope version of its spans. */
export const VERSION = '0.1.0';
