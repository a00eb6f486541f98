export const planeToken = Symbol('plane');
export const settingsToken = Symbol('settings');
