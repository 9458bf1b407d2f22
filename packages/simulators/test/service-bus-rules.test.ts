import { describe, expect, it } from "vitest";
import { readFilter } from "../src/service-bus/rules/expression.ts";
import { InvalidRule } from "../src/service-bus/rules/tokens.ts";
import { FilterFailure, type FilterSubject, type SqlValue } from "../src/service-bus/rules/values.ts";

const system: Record<string, SqlValue> = { label: "order.new", messageid: "m-1" };
const user: Record<string, SqlValue> = { amount: 12.5, count: 3, colour: "red", rush: true, "odd name": "x" };

const subject: FilterSubject = {
  system: (name) => system[name.toLowerCase()] ?? null,
  user: (name) => user[name.toLowerCase()] ?? null,
};

const evaluate = (sql: string): SqlValue => readFilter(sql)(subject);

describe("the SQL of rules", () => {
  it.each([
    ["1=1", true],
    ["1=0", false],
    ["TRUE", true],
    ["amount > 12 AND count <= 3", true],
    ["amount > 13 OR rush", true],
    ["NOT amount > 13 AND NOT colour = 'blue'", true],
    ["colour = 'Red'", false],
    ["COLOUR <> 'blue'", true],
    ["sys.Label LIKE 'order.%'", true],
    ["sys.Label LIKE 'order_new'", true],
    ["sys.Label NOT LIKE '%x%'", true],
    ["user.colour LIKE 'r|_d' ESCAPE '|'", false],
    ["colour IN ('blue', 'red')", true],
    ["colour NOT IN ('blue', 'red')", false],
    ["missing IS NULL AND colour IS NOT NULL", true],
    ["EXISTS(colour) AND NOT EXISTS(missing)", true],
    ["[odd name] = 'x' AND \"odd name\" = 'x'", true],
    ["property('odd name') = 'x'", true],
    ["'it''s' = 'it''s'", true],
    ["count * 2 + 1 = 7 AND count * (2 + 1) = 9 AND -count = -3 AND count % 2 = 1", true],
    ["7 / 2 = 3", true],
    ["1 = 1 OR missing = 1", true],
    ["missing = 1 OR missing = 2", null],
    ["NOT missing = 1", null],
    ["missing = 1 AND 1 = 0", false],
    ["colour > 5", null],
  ])("%s is %s", (sql, expected) => {
    expect(evaluate(sql)).toBe(expected);
  });

  it.each(["", "a =", "a = 'open", "(a = 1", "a = 1 b", "a NOT b", "EXISTS a", "nonsense(1)", "a = 1 !"])(
    "does not accept %j",
    (sql) => {
      expect(() => readFilter(sql)).toThrow(InvalidRule);
    },
  );

  it("fails on a division by zero and on arithmetic with texts", () => {
    expect(() => evaluate("count / 0 = 1")).toThrow(FilterFailure);
    expect(() => evaluate("colour * 2 = 1")).toThrow(FilterFailure);
  });
});
