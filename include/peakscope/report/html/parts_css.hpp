// SPDX-License-Identifier: MIT
// Made by embed.py of parts.css: change that, and run it again.
// clang-format off
#pragma once

#include <string_view>

namespace peakscope::report::detail {

inline constexpr std::string_view parts_css = R"page(#controls .search {
  flex: 1 1 14rem;
  display: flex;
  gap: 0.4rem;
  align-items: center;
}

#search {
  flex: 1;
  min-width: 0;
}

select,
input[type="search"],
button {
  padding: 0.25rem 0.5rem;
  background: var(--card);
  color: var(--text);
  border: 1px solid var(--line);
  border-radius: 6px;
  font: inherit;
}

select {
  max-width: 15rem;
}

button {
  cursor: pointer;
}

#metrics {
  display: flex;
  margin: 0;
  padding: 0;
  border: 1px solid var(--line);
  border-radius: 6px;
  overflow: hidden;
}

#metrics label {
  padding: 0.25rem 0.7rem;
  background: var(--card);
  cursor: pointer;
}

#metrics label + label {
  border-left: 1px solid var(--line);
}

#metrics input {
  position: absolute;
  opacity: 0;
}

#metrics label:has(:checked) {
  background: var(--heap);
  color: var(--page);
}

#metrics label:has(:focus-visible) {
  outline: 3px solid var(--accent);
  outline-offset: -3px;
}

#flame {
  position: relative;
  overflow: hidden;
  border-radius: 6px;
}

#flame .frame {
  position: absolute;
  height: 21px;
  padding: 0 4px;
  overflow: hidden;
  border: 0;
  border-right: 1px solid var(--page);
  border-radius: 2px;
  background: var(--library);
  font-size: 12px;
  line-height: 21px;
  text-align: left;
  text-overflow: ellipsis;
  white-space: nowrap;
}

#flame .tone-0 { background: var(--own-0); }
#flame .tone-1 { background: var(--own-1); }
#flame .tone-2 { background: var(--own-2); }
#flame .tone-3 { background: var(--own-3); }
#flame .more { background: color-mix(in srgb, var(--more) var(--change), var(--library)); }
#flame .less { background: color-mix(in srgb, var(--less) var(--change), var(--library)); }
#flame .found { background: var(--found); }
#flame .found { min-width: 3px; }
#flame .dim { background: var(--card); color: var(--faint); }
#flame .above { font-style: italic; }

#flame .frame:hover,
#flame .frame:focus-visible {
  outline: 2px solid var(--text);
  outline-offset: -2px;
  z-index: 1;
}

.wide {
  overflow-x: auto;
}

table {
  width: 100%;
  margin-top: 0.4rem;
  border-collapse: collapse;
  background: var(--card);
  font-variant-numeric: tabular-nums;
}

th,
td {
  padding: 0.28rem 0.6rem;
  border-bottom: 1px solid var(--line);
  text-align: left;
  font-weight: 400;
  vertical-align: top;
}

thead th {
  color: var(--faint);
  font-size: 0.87rem;
  font-weight: 600;
}

.number {
  text-align: right;
  white-space: nowrap;
}

th button {
  padding: 0;
  border: 0;
  background: none;
  text-align: inherit;
}

thead th button {
  color: inherit;
  font-weight: 600;
  white-space: nowrap;
}

th button.phase:hover,
th button.site:hover {
  text-decoration: underline;
}

tr.selected > * {
  background: color-mix(in srgb, var(--heap) 14%, var(--card));
}

.mark {
  display: block;
  color: var(--accent);
  font-size: 0.8rem;
  font-weight: 600;
}

button.site {
  min-width: 13rem;
  overflow-wrap: anywhere;
}

button.site strong {
  display: block;
  font-weight: 600;
}

button.site span {
  color: var(--faint);
  font-size: 0.87rem;
}

.stacks td {
  font-size: 0.87rem;
  overflow-wrap: anywhere;
}

.stacks p {
  margin: 0.3rem 0 0;
  font-weight: 600;
}

.stacks ol {
  margin: 0.2rem 0 0.6rem;
  padding-left: 2rem;
}

.stacks li span {
  color: var(--faint);
}

.heat-map thead th {
  min-width: 5.5rem;
  white-space: normal;
  overflow-wrap: anywhere;
}

td.heat {
  background: color-mix(in srgb, var(--accent) var(--heat), var(--card));
}

#notes {
  padding-left: 1.2rem;
}

@media (max-width: 40rem) {
  /* Room for the longest that is said, so that nothing below moves. */
  .legend .said {
    display: block;
    min-height: 3.9em;
  }

  #controls {
    position: static;
  }

  #metrics label {
    padding: 0.25rem 0.5rem;
  }

  th,
  td {
    padding: 0.28rem 0.4rem;
  }
}

@media print {
  body {
    max-width: none;
    padding: 0;
    font-size: 10pt;
  }

  #controls,
  #more,
  #unzoom,
  .check {
    display: none;
  }

  .wide,
  #flame {
    overflow: visible;
  }

  section,
  tr {
    break-inside: avoid;
  }

  table {
    font-size: 8pt;
  }

  th,
  thead th,
  .mark,
  button.site span {
    font-size: 8pt;
  }

  .heat-map thead th {
    min-width: 0;
  }

  button.site {
    min-width: 9rem;
  }

  * {
    print-color-adjust: exact;
  }
}
)page";

} // namespace peakscope::report::detail
