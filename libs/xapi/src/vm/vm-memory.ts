/** The four memory limits of a VM and the calls that move them; each call must leave them in order. */
import { memory } from '@xenplane/domain';
import type { Ref, StoredRecord } from '@xenplane/model';
import { admitVm } from '../begin/admission';
import type { Context } from '../core/context';

type Limits = Pick<
  StoredRecord<'VM'>,
  'memory_static_min' | 'memory_static_max' | 'memory_dynamic_min' | 'memory_dynamic_max'
>;
type Op = 'changing_static_range' | 'changing_dynamic_range' | 'changing_memory_limits';
interface One {
  readonly self: Ref<'VM'>;
  readonly value: number;
}

async function setLimits(context: Context, self: Ref<'VM'>, op: Op, change: Partial<Limits>): Promise<void> {
  const vm = await admitVm(context, self, op);
  const { memory_static_min, memory_static_max, memory_dynamic_min, memory_dynamic_max } = {
    ...vm,
    ...change,
  };
  const limits = { memory_static_min, memory_static_max, memory_dynamic_min, memory_dynamic_max };
  const refused = memory.refuseLimits(limits);
  if (refused) throw refused;
  await context.tx.update(
    'VM',
    self,
    vm.power_state === 'Halted' ? { ...limits, memory_target: memory_dynamic_max } : limits,
  );
}

export const setMemory = {
  set_memory_dynamic_max: (context: Context, { self, value }: One) =>
    setLimits(context, self, 'changing_dynamic_range', { memory_dynamic_max: value }),
  set_memory_dynamic_min: (context: Context, { self, value }: One) =>
    setLimits(context, self, 'changing_dynamic_range', { memory_dynamic_min: value }),
  set_memory_static_max: (context: Context, { self, value }: One) =>
    setLimits(context, self, 'changing_static_range', { memory_static_max: value }),
  set_memory_static_min: (context: Context, { self, value }: One) =>
    setLimits(context, self, 'changing_static_range', { memory_static_min: value }),
  set_memory_static_range: (
    context: Context,
    { self, min, max }: { self: Ref<'VM'>; min: number; max: number },
  ) => setLimits(context, self, 'changing_static_range', { memory_static_min: min, memory_static_max: max }),
  set_memory_limits: (
    context: Context,
    args: {
      self: Ref<'VM'>;
      static_min: number;
      static_max: number;
      dynamic_min: number;
      dynamic_max: number;
    },
  ) =>
    setLimits(context, args.self, 'changing_memory_limits', {
      memory_static_min: args.static_min,
      memory_static_max: args.static_max,
      memory_dynamic_min: args.dynamic_min,
      memory_dynamic_max: args.dynamic_max,
    }),
  set_memory: (context: Context, { self, value }: One) =>
    setLimits(context, self, 'changing_memory_limits', {
      memory_static_max: value,
      memory_dynamic_min: value,
      memory_dynamic_max: value,
    }),
};
