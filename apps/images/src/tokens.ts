export const secretToken = Symbol('secret');
