// One dashboard on one page, drawn with Grafana's own components. What Grafana keeps to its application (rows, heat
// map, gauge) is drawn here to look the same.
import React from 'react';
import { createRoot } from 'react-dom/client';
import 'uplot/dist/uPlot.min.css';
import '@grafana/react-data-grid/lib/styles.css';
import { EventBusSrv, ThemeContext, VizOrientation, createTheme, reduceField } from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, PanelContextProvider, TimeSeries } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { Arc } from './gauge.jsx';
import { Heatmap } from './heatmap.jsx';
import { Prometheus, configured, panelRange, substitute, timeRange, transformed } from './frames.mjs';

const COLUMNS = 24;
const UNIT = 38; // Grafana's height of a grid unit, gap included
const GAP = 8;
const theme = createTheme({ colors: { mode: 'dark' } });
const timeZone = 'browser';

function lastOf(field) {
  return reduceField({ field, reducers: ['lastNotNull'] }).lastNotNull;
}

// One value per numeric field, as stat, gauge and bar gauge show it.
function values(frames) {
  return frames.flatMap((frame) =>
    frame.fields
      .filter((field) => field.type === 'number')
      .map((field) => {
        const display = field.display(lastOf(field));
        const title = field.config.displayNameFromDS;
        return { field, frame, display: { ...display, title } };
      })
  );
}

function Empty({ panel }) {
  return <div style={{ display: 'grid', placeItems: 'center', height: '100%', color: theme.colors.text.secondary }}>{panel.fieldConfig.defaults.noValue}</div>;
}

function Stat({ panel, frames, width, height }) {
  const shown = values(frames);
  const columns = Math.ceil(Math.sqrt((shown.length * width) / (height * 2.2))) || 1;
  const rows = Math.ceil(shown.length / columns);
  const [w, h] = [Math.floor((width - GAP * (columns - 1)) / columns), Math.floor((height - GAP * (rows - 1)) / rows)];
  const { colorMode, graphMode, textMode } = panel.options;
  return (
    <div style={{ display: 'flex', flexWrap: 'wrap', gap: GAP }}>
      {shown.map(({ display, field, frame }, index) => (
        <BigValue
          key={index}
          theme={theme}
          width={w}
          height={h}
          value={display}
          colorMode={colorMode}
          graphMode={graphMode}
          textMode={textMode}
          justifyMode="auto"
          sparkline={graphMode === 'area' && frame.length > 1 ? { x: frame.fields[0], y: { ...field, config: { ...field.config, custom: {} } }, timeRange: frame.timeRange } : undefined}
        />
      ))}
    </div>
  );
}

function Gauge({ frames, width, height }) {
  const [{ display, field }] = values(frames);
  return <Arc display={display} field={field} width={width} height={height} theme={theme} />;
}

function Bars({ panel, frames, width, height }) {
  const shown = values(frames);
  const each = Math.min(60, Math.floor((height - GAP * (shown.length - 1)) / shown.length));
  const factors = {
    title: shown.reduce((long, { display }) => ((display.title ?? '').length > long.length ? display.title : long), ''),
    text: shown.reduce((long, { display }) => (display.text.length > long.length ? display.text : long), ''),
    suffix: '%',
  };
  return (
    <div style={{ display: 'flex', flexDirection: 'column', gap: GAP }}>
      {shown.map(({ display, field }, index) => (
        <BarGauge key={index} theme={theme} width={width} height={each} value={display} field={field.config} display={field.display}
          orientation={VizOrientation.Horizontal} displayMode="basic" showUnfilled alignmentFactors={factors} itemSpacing={GAP} namePlacement={each < 40 ? 'left' : 'auto'} valueDisplayMode="color" />
      ))}
    </div>
  );
}

function Graph({ panel, frames, range, width, height }) {
  const options = panel.options.legend;
  const shownIn = { ...options, calcs: options.calcs };
  return (
    <TimeSeries frames={sorted(frames, options)} width={width} height={height} timeRange={range} timeZone={timeZone} legend={shownIn} />
  );
}

// The legend's order: Grafana sorts its table by a column; the component alone keeps the frames' order.
function sorted(frames, legend) {
  const rank = (frame) => reduceField({ field: frame.fields[1], reducers: [legend.calcs[0]] })[legend.calcs[0]] ?? -Infinity;
  return [...frames].sort((a, b) => rank(b) - rank(a)).slice(0, 40);
}

function Table({ panel, frames, width, height }) {
  const sort = panel.options.sortBy;
  return <TableNG data={frames[0]} width={width} height={height} initialSortBy={sort} cellHeight="sm" fieldConfig={panel.fieldConfig} structureRev={1} disableSanitizeHtml={false} />;
}

const KINDS = { stat: Stat, gauge: Gauge, bargauge: Bars, timeseries: Graph, table: Table, heatmap: Heatmap };

function Panel({ panel, frames, range, width, height }) {
  const Kind = KINDS[panel.type];
  const empty = !frames.some((frame) => frame.length && frame.fields.some((f) => f.type === 'number' && f.values.some((v) => v !== null && !Number.isNaN(v))));
  const subtitle = panel.timeFrom ? <span style={{ color: theme.colors.text.secondary, fontSize: 12 }}>{panel.timeFrom === 'now/d' ? 'Today so far' : `Last ${panel.timeFrom}`}</span> : undefined;
  return (
    <PanelChrome title={panel.title} description={panel.description} width={width} height={height} padding={panel.type === 'table' ? 'none' : 'md'} titleItems={subtitle}>
      {(w, h) => (empty ? <Empty panel={panel} /> : <Kind panel={panel} frames={frames} range={range} width={w} height={h} theme={theme} />)}
    </PanelChrome>
  );
}

function Dashboard({ dashboard, drawn, width, height }) {
  const column = (width - 2 * GAP) / COLUMNS;
  const text = theme.colors.text;
  return (
    <div style={{ width, height, background: theme.colors.background.canvas, position: 'relative', fontFamily: theme.typography.fontFamily, color: text.primary, fontSize: 14 }}>
      <div style={{ position: 'absolute', left: 16, top: 12, fontSize: 20 }}>{dashboard.title}</div>
      <div style={{ position: 'absolute', right: 16, top: 16, color: text.secondary }}>{drawn.shown}</div>
      {drawn.panels.map(({ panel, frames, range }) => {
        const { x, y, w, h } = panel.gridPos;
        const place = { position: 'absolute', left: GAP + x * column, top: 48 + y * UNIT, width: w * column - GAP, height: h * UNIT - GAP };
        return (
          <div key={panel.id} style={place}>
            {panel.type === 'row' ? (
              <div style={{ paddingTop: 6, fontSize: 16, fontWeight: 500 }}>{panel.title}</div>
            ) : (
              <Panel panel={panel} frames={frames} range={range} width={place.width} height={place.height} />
            )}
          </div>
        );
      })}
    </div>
  );
}

// A repeated panel becomes one per value, side by side, and what is below moves down.
function repeated(panels, variables) {
  const made = [];
  let shift = 0;
  for (const panel of panels) {
    const { gridPos } = panel;
    const moved = { ...panel, gridPos: { ...gridPos, y: gridPos.y + shift } };
    if (!panel.repeat) {
      made.push(moved);
      continue;
    }
    const names = variables.values[panel.repeat];
    const perLine = Math.min(panel.maxPerRow, names.length);
    const w = COLUMNS / perLine;
    names.forEach((name, index) => {
      const place = { ...gridPos, w, x: (index % perLine) * w, y: moved.gridPos.y + Math.floor(index / perLine) * gridPos.h };
      made.push({ ...moved, id: panel.id * 1000 + index, title: substitute(panel.title, { [panel.repeat]: name }), gridPos: place, scoped: { [panel.repeat]: name } });
    });
    shift += (Math.ceil(names.length / perLine) - 1) * gridPos.h;
  }
  return made;
}

async function variablesOf(dashboard, prometheus) {
  const values = {};
  for (const variable of dashboard.templating.list.filter(({ type }) => type === 'query')) {
    const [, metric, label] = variable.query.match(/^label_values\((.+), (\w+)\)$/);
    values[variable.name] = (await prometheus.labelValues(metric, label)).filter((value) => value && !value.startsWith('stackctl-'));
  }
  return { values, all: Object.fromEntries(Object.keys(values).map((name) => [name, '.*'])) };
}

window.draw = async ({ dashboard, url, range: chosen, scrape, width }) => {
  const prometheus = new Prometheus(url, scrape);
  const range = timeRange(`now-${chosen}`, 'now');
  const variables = await variablesOf(dashboard, prometheus);
  const drawn = { shown: `Last ${chosen}`, panels: [] };
  for (const panel of repeated(dashboard.panels, variables)) {
    if (panel.type === 'row') {
      drawn.panels.push({ panel, frames: [], range });
      continue;
    }
    const own = panelRange(panel, range);
    const pixels = (panel.gridPos.w / COLUMNS) * width;
    const raw = await prometheus.frames(panel, own, pixels, { ...variables.all, ...panel.scoped });
    const frames = configured(panel, await transformed(panel, raw), theme, timeZone).map((frame) => ({ ...frame, timeRange: own }));
    drawn.panels.push({ panel, frames, range: own });
  }
  const bottom = Math.max(...drawn.panels.map(({ panel }) => panel.gridPos.y + panel.gridPos.h));
  const height = 48 + bottom * UNIT + GAP;
  const context = { eventBus: new EventBusSrv(), eventsScope: 'panel', sync: () => 0 };
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <PanelContextProvider value={context}>
        <GlobalStyles isExtensionSidebarOpen={false} />
        <Dashboard dashboard={dashboard} drawn={drawn} width={width} height={height} />
      </PanelContextProvider>
    </ThemeContext.Provider>
  );
  return height;
};
