/** Who is in which group of a hub: connections, and users with all their connections. */
export class Groups {
  readonly #connections = new Map<string, Set<string>>();
  readonly #users = new Map<string, Set<string>>();

  /** Puts a connection into a group. */
  add(connectionId: string, group: string): void {
    members(this.#connections, group).add(connectionId);
  }

  /** Takes a connection out of a group, or out of all. */
  remove(connectionId: string, group?: string): void {
    drop(this.#connections, connectionId, group);
  }

  /** Puts a user's connections, now and later, into a group. */
  addUser(userId: string, group: string): void {
    members(this.#users, group).add(userId);
  }

  /** Takes a user out of a group, or out of all. */
  removeUser(userId: string, group?: string): void {
    drop(this.#users, userId, group);
  }

  /** Whether a user was put into a group. */
  hasUser(userId: string, group: string): boolean {
    return this.#users.get(group)?.has(userId) ?? false;
  }

  /** Whether a connection belongs to a group, by itself or by its user. */
  has(connectionId: string, userId: string | undefined, group: string): boolean {
    if (this.#connections.get(group)?.has(connectionId)) return true;
    return userId !== undefined && this.hasUser(userId, group);
  }
}

function members(groups: Map<string, Set<string>>, group: string): Set<string> {
  let found = groups.get(group);
  if (found === undefined) {
    found = new Set();
    groups.set(group, found);
  }
  return found;
}

function drop(groups: Map<string, Set<string>>, member: string, group?: string): void {
  for (const [name, found] of group === undefined
    ? [...groups]
    : [[group, members(groups, group)] as const]) {
    found.delete(member);
    if (found.size === 0) groups.delete(name);
  }
}
