/** The identity at full size: rings of uneven years, one of them lit. Fixed numbers, so every visit is the same. */
const RINGS: readonly (readonly [radius: number, width: number, gapAt: number])[] = [
  [34, 5, 10],
  [58, 3, 80],
  [78, 7, 200],
  [104, 3, 150],
  [124, 4, 300],
  [152, 9, 40],
  [184, 3, 260],
  [206, 5, 120],
  [238, 4, 340],
  [268, 8, 220],
  [306, 3, 20],
  [336, 5, 180],
  [374, 4, 90],
  [412, 8, 310],
];

export function RingArt() {
  return (
    <svg
      aria-hidden
      viewBox="0 0 800 900"
      preserveAspectRatio="xMidYMid slice"
      className="absolute inset-0 size-full"
      fill="none"
    >
      <g strokeLinecap="round">
        {RINGS.map(([radius, width, gapAt], ring) => (
          <ellipse
            key={radius}
            cx={430 - ring * 2}
            cy={360 + ring * 3}
            rx={radius}
            ry={radius * 0.965}
            pathLength={360}
            strokeDasharray="332 28"
            transform={`rotate(${gapAt} ${430 - ring * 2} ${360 + ring * 3})`}
            stroke={ring === 9 ? "#d9a13b" : "#8fd0bd"}
            strokeOpacity={ring === 9 ? 0.85 : 0.32 - ring * 0.016}
            strokeWidth={width}
          />
        ))}
      </g>
      <circle cx="430" cy="360" r="12" fill="#8fd0bd" fillOpacity=".55" />
    </svg>
  );
}
