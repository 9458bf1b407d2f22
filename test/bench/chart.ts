/** Points joined by a line. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Powers of ten instead of even steps; zero is drawn at the bottom. */
  readonly isLog?: boolean;
}

export interface BarChart {
  readonly title: string;
  readonly yLabel: string;
  /** The meaning of each bar of a group. */
  readonly legend: readonly string[];
  readonly groups: readonly { readonly name: string; readonly values: readonly number[] }[];
  readonly isLog?: boolean;
}

const width = 720;
const height = 360;
const left = 80;
const right = 16;
const top = 64;
const bottom = 48;
const plotWidth = width - left - right;
const plotHeight = height - top - bottom;
// Okabe and Ito's colours: told apart also by those who see fewer; each line has a pattern of its own besides.
const colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#666666"];
const dashes = ["", "6 3", "2 3", "8 3 2 3", "12 4", "1 4"];

/** A small SVG for the documentation: the same data, the same bytes. */
export function lineChart({ title, xLabel, yLabel, series, isLog = false }: LineChart): string {
  const points = series.flatMap((one) => one.points);
  const xMax = Math.max(...points.map(([x]) => x));
  const scale = yScale(Math.max(...points.map(([, y]) => y)), isLog);
  const x = (value: number): number => left + (value / xMax) * plotWidth;
  const lines = series.map(({ points: all }, index) => {
    const path = all.map(([px, py]) => `${fixed(x(px))},${fixed(scale.y(py))}`).join(" ");
    return `<polyline fill="none" stroke="${colour(index)}" stroke-width="1.5"${dashed(index)} points="${path}"/>`;
  });
  const xTicks = steps(xMax).map((value) => label(x(value), height - bottom + 16, short(value), "middle"));
  return frame(title, yLabel, [
    ...scale.grid,
    ...xTicks,
    label(left + plotWidth / 2, height - 10, xLabel, "middle"),
    ...lines,
    ...legend(series.map(({ name }) => name)),
  ]);
}

export function barChart({ title, yLabel, legend: names, groups, isLog = false }: BarChart): string {
  const scale = yScale(Math.max(...groups.flatMap(({ values }) => values)), isLog);
  const group = plotWidth / groups.length;
  const bar = (group * 0.7) / names.length;
  const bars = groups.flatMap(({ name, values }, index) => {
    const from = left + index * group + group * 0.15;
    return [
      ...values.flatMap((value, which) => {
        const at = from + which * bar;
        const y = scale.y(value);
        return [
          `<rect x="${fixed(at)}" y="${fixed(y)}" width="${fixed(bar - 2)}" height="${fixed(height - bottom - y)}" fill="${colour(which)}"/>`,
          label(at + bar / 2 - 1, y - 4, short(value), "middle", 10),
        ];
      }),
      label(from + group * 0.35, height - bottom + 16, name, "middle"),
    ];
  });
  return frame(title, yLabel, [...scale.grid, ...bars, ...legend(names, true)]);
}

interface Scale {
  y(value: number): number;
  readonly grid: readonly string[];
}

function yScale(max: number, isLog: boolean): Scale {
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(10, max))));
  const ticks = isLog ? Array.from({ length: decades + 1 }, (_, power) => 10 ** power) : steps(max * 1.1);
  const share = (value: number): number =>
    isLog ? Math.log10(Math.max(1, value)) / decades : value / (max * 1.1);
  const y = (value: number): number => height - bottom - share(value) * plotHeight;
  const grid = ticks.flatMap((value) => [
    `<line x1="${String(left)}" x2="${String(width - right)}" y1="${fixed(y(value))}" y2="${fixed(y(value))}" stroke="#ddd"/>`,
    label(left - 6, y(value) + 4, short(value), "end"),
  ]);
  return { y, grid };
}

/** About five round numbers from 0 up. */
function steps(max: number): number[] {
  const rough = max / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, index) => index * step);
}

function legend(names: readonly string[], isSolid = false): string[] {
  let x = left;
  return names.flatMap((name, index) => {
    const at = x;
    x += 34 + name.length * 6.2;
    const pattern = isSolid ? "" : dashed(index);
    return [
      `<line x1="${fixed(at)}" x2="${fixed(at + 20)}" y1="44" y2="44" stroke="${colour(index)}" stroke-width="3"${pattern}/>`,
      label(at + 24, 48, name, "start", 11),
    ];
  });
}

function frame(title: string, yLabel: string, content: readonly string[]): string {
  const middle = fixed(top + plotHeight / 2);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="12" fill="#333" role="img" aria-label="${escape(title)}">`,
    `<rect width="${String(width)}" height="${String(height)}" fill="#fff"/>`,
    `<text x="${String(left)}" y="22" font-size="15" font-weight="bold">${escape(title)}</text>`,
    `<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`,
    ...content,
    "</svg>",
    "",
  ].join("\n");
}

function label(x: number, y: number, text: string, anchor: "start" | "middle" | "end", size = 12): string {
  const at = `x="${fixed(x)}" y="${fixed(y)}"`;
  return `<text ${at} text-anchor="${anchor}" font-size="${String(size)}">${escape(text)}</text>`;
}

function dashed(index: number): string {
  const dash = dashes[index % dashes.length] ?? "";
  return dash === "" ? "" : ` stroke-dasharray="${dash}"`;
}

function colour(index: number): string {
  return colours[index % colours.length] ?? "#000";
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function short(value: number): string {
  const rounded = Math.abs(value) >= 10 ? Math.round(value) : Math.round(value * 100) / 100;
  return rounded.toLocaleString("en-US");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
