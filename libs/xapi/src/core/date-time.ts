/** A moment in the form of the wire, whole seconds. */
export const dateTime = (date: Date): string => `${date.toISOString().slice(0, 19).replaceAll('-', '')}Z`;
export const never = '19700101T00:00:00Z';
