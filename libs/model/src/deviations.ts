/** Where the model differs from the facts on purpose: what, and why. The facts test accepts these and nothing else. */
export const deviations: Readonly<Record<string, string>> = {
  'message.inDatabase':
    'Messages are rows here, so that they survive like everything else; xapi keeps them in files beside its database.',
};
