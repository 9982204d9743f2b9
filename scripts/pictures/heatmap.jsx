// Grafana's heat map lives in its application, not in a library; this one draws the same cells: a row per series,
// a column per step, the scheme's colour by value.
import React from 'react';

const SCHEME = ['#331a00', '#5c2e00', '#8a4300', '#b85a00', '#e67300', '#ff9830', '#ffc480'];

export function Heatmap({ panel, frames, range, width, height, theme }) {
  const left = Math.min(300, 20 + 6.6 * Math.max(...frames.map((frame) => name(frame).length)));
  const [bottom, legend] = [24, 34];
  const [w, h] = [width - left - 8, height - bottom - legend];
  const row = h / frames.length;
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const x = (time) => left + ((time - from) / (to - from)) * w;
  const most = Math.max(...frames.flatMap((frame) => frame.fields[1].values.filter((value) => value !== null)), 1e-9);
  const color = (value) => SCHEME[Math.min(SCHEME.length - 1, Math.floor(Math.sqrt(value / most) * SCHEME.length))];
  const text = { fill: theme.colors.text.secondary, fontSize: 12, fontFamily: theme.typography.fontFamily };
  const format = frames[0].fields[1].display;
  return (
    <svg width={width} height={height}>
      {frames.map((frame, index) => (
        <g key={index}>
          <text x={left - 8} y={(frames.length - index - 0.5) * row + 4} textAnchor="end" {...text}>
            {name(frame)}
          </text>
          <line x1={left} x2={left + w} y1={(frames.length - index) * row} y2={(frames.length - index) * row} stroke={theme.colors.border.weak} />
          {cells(frame, from).map(([time, value, step]) => (
            <rect key={time} x={x(time - step) + 0.5} y={(frames.length - index - 1) * row + 1} width={Math.max(1, x(time) - x(time - step) - 1)} height={row - 2} fill={color(value)} />
          ))}
        </g>
      ))}
      {Array.from({ length: 7 }, (_, n) => from + ((n + 0.5) / 7) * (to - from)).map((time) => (
        <text key={time} x={x(time)} y={h + 16} textAnchor="middle" {...text}>
          {new Date(time).toTimeString().slice(0, 5)}
        </text>
      ))}
      {SCHEME.map((fill, index) => (
        <rect key={fill} x={left + index * 22} y={height - 26} width={22} height={8} fill={fill} />
      ))}
      <text x={left} y={height - 4} {...text}>0</text>
      <text x={left + SCHEME.length * 22} y={height - 4} textAnchor="end" {...text}>{format(most).text}</text>
    </svg>
  );
}

function name(frame) {
  return frame.fields[1].config.displayNameFromDS ?? '';
}

// [time, value, step] of every cell that is not empty
function cells(frame, from) {
  const [times, values] = frame.fields.map((field) => field.values);
  const step = times.length > 1 ? times[1] - times[0] : 60000;
  return times.map((time, index) => [time, values[index], step]).filter(([time, value]) => value > 1e-9 && time - step >= from);
}
