// The arc of Grafana's gauge panel, which its library does not export: value, thresholds around it, their labels.
import React from 'react';

const START = -120;
const SWEEP = 240;

export function Arc({ display, field, width, height, theme }) {
  const [min, max] = [field.config.min ?? 0, field.config.max ?? 100];
  const radius = Math.min(width / 2.6, height / 1.75);
  const center = [width / 2, height / 2 + radius * 0.2];
  const angle = (value) => START + SWEEP * Math.min(1, Math.max(0, (value - min) / (max - min)));
  const point = (degrees, r) => {
    const radians = ((degrees - 90) * Math.PI) / 180;
    return [center[0] + r * Math.cos(radians), center[1] + r * Math.sin(radians)];
  };
  const arc = (from, to, r, color, thickness) => {
    const [a, b] = [point(from, r), point(to, r)];
    return <path d={`M ${a} A ${r} ${r} 0 ${to - from > 180 ? 1 : 0} 1 ${b}`} stroke={color} strokeWidth={thickness} fill="none" />;
  };
  const steps = field.config.thresholds.steps;
  const bounds = steps.map((step, index) => [Math.max(min, step.value ?? min), Math.min(max, steps[index + 1]?.value ?? max), step.color]);
  const thick = radius * 0.22;
  return (
    <svg width={width} height={height}>
      {arc(START, START + SWEEP, radius - thick, theme.colors.background.secondary, thick)}
      {display.numeric > min && arc(START, angle(display.numeric), radius - thick, display.color, thick)}
      {bounds.map(([from, to, color]) => (
        <g key={from}>{arc(angle(from), angle(to), radius - thick * 0.3, theme.visualization.getColorByName(color), thick * 0.22)}</g>
      ))}
      {steps.slice(1).map(({ value }) => {
        const [x, y] = point(angle(value), radius + 10);
        return (
          <text key={value} x={x} y={y} textAnchor={angle(value) < 0 ? 'end' : 'start'} fill={theme.colors.text.secondary} fontSize={13} fontFamily={theme.typography.fontFamily}>
            {field.display(value).text}{field.display(value).suffix}
          </text>
        );
      })}
      <text x={center[0]} y={center[1] + radius * 0.08} textAnchor="middle" fill={display.color} fontSize={radius * 0.36} fontWeight={500} fontFamily={theme.typography.fontFamily}>
        {display.text}{display.suffix}
      </text>
    </svg>
  );
}
