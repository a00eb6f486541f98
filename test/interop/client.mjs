/** The few calls and transfers that stories of programs for files need around them. */
export class Client {
  constructor(url, session) {
    this.url = url;
    this.session = session;
  }
  static async login(url, password) {
    const client = new Client(url);
    client.session = await client.raw('session.login_with_password', 'root', password);
    return client;
  }
  async raw(method, ...params) {
    const response = await fetch(`${this.url}/jsonrpc`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const { result, error } = await response.json();
    if (error) throw new Error(`${method}: ${[error.message, ...error.data].join(' ')}`);
    return result;
  }
  call(method, ...params) {
    return this.raw(method, this.session, ...params);
  }
  address(path, query) {
    return `${this.url}${path}?${new URLSearchParams({ ...query, session_id: this.session })}`;
  }
  async get(path, query) {
    const response = await fetch(this.address(path, query));
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  }
  /** Answers the result of the task when all has come. */
  async put(path, body, query = {}) {
    const task_id = await this.call('task.create', path, '');
    // The answer begins before the body has gone: a response that nobody reads may be collected as garbage, which cuts the upload.
    await (await fetch(this.address(path, { ...query, task_id }), { method: 'PUT', body })).arrayBuffer();
    for (;;) {
      const { status, result, error_info } = await this.call('task.get_record', task_id);
      if (status === 'success') return result;
      if (status !== 'pending') throw new Error(`${path}: ${error_info.join(' ')}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  async newDisk(name_label, virtual_size) {
    const [pool] = Object.values(await this.call('pool.get_all_records'));
    return this.call('VDI.create', {
      name_label,
      SR: pool.default_SR,
      virtual_size,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    });
  }
  /** A VM with one disk of these bytes. */
  async newVm(name, bytes) {
    const [template] = await this.call('VM.get_by_name_label', 'Debian Bookworm 12');
    const vm = await this.call('VM.clone', template, name);
    await this.call('VM.remove_from_other_config', vm, 'disks');
    await this.call('VM.provision', vm);
    const vdi = await this.newDisk(name, bytes.length);
    const vbd = {
      VM: vm,
      VDI: vdi,
      userdevice: '0',
      bootable: true,
      mode: 'RW',
      type: 'Disk',
      empty: false,
      other_config: {},
    };
    await this.call('VBD.create', { ...vbd, qos_algorithm_type: '', qos_algorithm_params: {} });
    await this.put('/import_raw_vdi', bytes, { vdi, format: 'raw' });
    return { vm, vdi };
  }
  async disksOf(vm) {
    const vbds = await Promise.all(
      (await this.call('VM.get_VBDs', vm)).map((vbd) => this.call('VBD.get_record', vbd)),
    );
    return vbds.filter(({ type }) => type === 'Disk').map(({ VDI }) => VDI);
  }
}
