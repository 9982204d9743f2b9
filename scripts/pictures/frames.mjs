// Prometheus' replies as Grafana's data frames, the way its Prometheus data source makes them.
import { FieldType, dateMath, dateTime, getDisplayProcessor, rangeUtil, standardTransformers, standardTransformersRegistry, transformDataFrame } from '@grafana/data';
import { firstValueFrom } from 'rxjs';

standardTransformersRegistry.setInit(() =>
  [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer].map((transformation) => ({ id: transformation.id, name: transformation.name, transformation: async () => transformation, editor: () => null }))
);

export function timeRange(from, to) {
  const range = { from: dateMath.toDateTime(from, { roundUp: false }), to: dateMath.toDateTime(to, { roundUp: true }) };
  return { ...range, raw: { from, to } };
}

// A panel's own range: "7d" is the last seven days, "now/d" is today so far.
export function panelRange(panel, dashboardRange) {
  if (!panel.timeFrom) return dashboardRange;
  return timeRange(panel.timeFrom.startsWith('now') ? panel.timeFrom : `now-${panel.timeFrom}`, 'now');
}

export function substitute(text, values) {
  return text.replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)/g, (whole, a, b) => values[a ?? b] ?? whole);
}

export class Prometheus {
  constructor(url, scrapeSeconds) {
    this.url = url;
    this.scrape = scrapeSeconds;
  }

  async get(path, parameters) {
    const reply = await fetch(`${this.url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
    const body = await reply.json();
    if (body.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${body.error}`);
    return body.data;
  }

  async labelValues(metric, label) {
    const reply = await fetch(`${this.url}/api/v1/label/${label}/values?${new URLSearchParams({ 'match[]': metric })}`);
    return (await reply.json()).data;
  }

  // The frames of all targets of a panel; `variables` are the dashboard's.
  async frames(panel, range, width, variables) {
    const lowest = panel.interval || `${this.scrape}s`;
    const interval = rangeUtil.calculateInterval(range, Math.max(width, 100), lowest);
    const step = interval.intervalMs / 1000;
    const values = {
      ...variables,
      __interval: interval.interval,
      __interval_ms: String(interval.intervalMs),
      __rate_interval: `${Math.max(step + this.scrape, 4 * this.scrape)}s`,
      __range: `${Math.max(Math.round((range.to.valueOf() - range.from.valueOf()) / 1000), 1)}s`,
    };
    const frames = [];
    for (const target of panel.targets) {
      const query = substitute(target.expr, values);
      frames.push(...(target.instant ? await this.#instant(query, target, panel, range) : await this.#range(query, target, range, step)));
    }
    return frames;
  }

  async #range(query, target, range, step) {
    const offset = -new Date(range.to.valueOf()).getTimezoneOffset() * 60;
    const align = (ms) => Math.floor((ms / 1000 + offset) / step) * step - offset;
    const start = align(range.from.valueOf());
    const end = align(range.to.valueOf());
    const data = await this.get('query_range', { query, start, end, step });
    return data.result.map(({ metric, values }) => {
      const found = new Map(values.map(([time, value]) => [Math.round(time), Number(value)]));
      const times = [];
      for (let time = start; time <= end; time += step) times.push(time);
      return {
        refId: target.refId,
        length: times.length,
        fields: [
          { name: 'Time', type: FieldType.time, values: times.map((time) => time * 1000), config: {} },
          valueField('Value', times.map((time) => found.get(Math.round(time)) ?? null), metric, target),
        ],
      };
    });
  }

  async #instant(query, target, panel, range) {
    const time = range.to.valueOf() / 1000;
    const data = await this.get('query', { query, time });
    const result = data.resultType === 'scalar' ? [{ metric: {}, value: data.result }] : data.result;
    if (target.format === 'table') return [table(result, target, panel.targets.length > 1)];
    return result.map(({ metric, value }) => ({
      refId: target.refId,
      length: 1,
      fields: [
        { name: 'Time', type: FieldType.time, values: [time * 1000], config: {} },
        valueField('Value', [Number(value[1])], metric, target),
      ],
    }));
  }
}

function valueField(name, values, labels, target) {
  const legend = target.legendFormat;
  const shown = legend?.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '').trim();
  return { name, type: FieldType.number, values, labels, config: legend ? { displayNameFromDS: shown || legend } : {} };
}

function table(result, target, several) {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const field = (name, type, values) => ({ name, type, values, config: {} });
  return {
    refId: target.refId,
    length: result.length,
    fields: [
      field('Time', FieldType.time, result.map(({ value }) => value[0] * 1000)),
      ...labels.map((label) => field(label, FieldType.string, result.map(({ metric }) => metric[label] ?? ''))),
      field(several ? `Value #${target.refId}` : 'Value', FieldType.number, result.map(({ value }) => Number(value[1]))),
    ],
  };
}

export async function transformed(panel, frames) {
  if (!panel.transformations || !frames.length) return frames;
  return firstValueFrom(transformDataFrame(panel.transformations, frames));
}

// Defaults, then what an override changes, then Grafana's own value formatter and colours.
export function configured(panel, frames, theme, timeZone) {
  const { defaults, overrides } = panel.fieldConfig;
  let seriesIndex = 0;
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => {
      if (field.type === FieldType.time) return { ...field, display: getDisplayProcessor({ field, theme, timeZone }) };
      const name = field.config.displayNameFromDS ?? field.config.displayName ?? field.name;
      const config = structuredClone({ ...defaults, ...field.config, custom: { ...defaults.custom, ...field.config.custom } });
      for (const { matcher, properties } of overrides) {
        if (matcher.id === 'byName' && (matcher.options === name || matcher.options === field.config.displayName)) {
          for (const { id, value } of properties) {
            if (id.startsWith('custom.')) config.custom[id.slice(7)] = value;
            else config[id] = value;
          }
        }
      }
      if (field.type !== FieldType.number) delete config.unit;
      const state = { ...field.state };
      if (field.type === FieldType.number) {
        const known = field.values.filter((value) => Number.isFinite(value));
        const [min, max] = [config.min ?? Math.min(...known), config.max ?? Math.max(...known)];
        Object.assign(state, { seriesIndex: seriesIndex++, range: { min, max, delta: max - min } });
      }
      const made = { ...field, config, state };
      made.display = getDisplayProcessor({ field: made, theme, timeZone });
      return made;
    }),
  }));
}
