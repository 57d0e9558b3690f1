/** Ways to write an address with a password in it, understood or not. */
export const shapes: readonly ((password: string) => string)[] = [
  (password) => `"postgres://app:${password}@127.0.0.1:1/c"`,
  (password) => ` postgres://app:${password}@127.0.0.1:1/c`,
  (password) => `DATABASE_URL=postgres://app:${password}@127.0.0.1:1/c`,
  (password) => `psql postgres://app:${password}@127.0.0.1:1/c`,
  (password) => `jdbc:postgresql://127.0.0.1:1/c?user=app&password=${password}`,
  (password) => `postgres:/app:${password}@127.0.0.1:1/c`,
  (password) => `//app:${password}@127.0.0.1:1/c.db`,
  (password) => `Server=127.0.0.1;Port=1;User Id=app;Password=${password};Database=./c.db`,
  (password) => `host=/tmp dbname=c user=app password=${password}`,
  (password) => `sqlite:postgres://app:${password}@127.0.0.1:1/c`,
  (password) => `file:app:${password}@127.0.0.1:1/c`,
  (password) => `sqlite:///nowhere/c.db?password=${password}`,
  (password) => `sqlite::memory:?pwd=${password}`,
  (password) => `mysql://app:${password}@127.0.0.1:1/c`,
  (password) => `PGPASSWORD=${password} psql -h 127.0.0.1`,
]
