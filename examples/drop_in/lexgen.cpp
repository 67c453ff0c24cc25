// SPDX-License-Identifier: MIT
// lexgen: makes the tables of a lexer from a list of tokens.
//
//     lexgen TOKENS OUTPUT
//
// TOKENS has a name and a regular expression on each line; '#' begins a comment. The longest match wins, and of two
// that match as much the one that stands first. Expressions know  a  .  [a-z]  [^a-z]  \n  \t  \d  \w  \s  (x)  x|y  x*
// x+  x?  and a backslash before a character that means something else.
#include <algorithm>
#include <array>
#include <bitset>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using char_set = std::bitset<256>;

struct token_rule {
    std::string name;
    std::string expression;
    int line = 0;
};

// ---- reading --------------------------------------------------------------------------------------------------------

std::vector<token_rule> read_rules(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(path + ": cannot be read");
    std::vector<token_rule> rules;
    std::string text;
    for (int line = 1; std::getline(file, text); ++line) {
        const std::size_t start = text.find_first_not_of(" \t");
        if (start == std::string::npos || text[start] == '#') continue;
        const std::size_t name_end = text.find_first_of(" \t", start);
        const std::size_t expression = text.find_first_not_of(" \t", name_end);
        if (expression == std::string::npos)
            throw std::runtime_error(path + ":" + std::to_string(line) + ": a name and an expression are expected");
        rules.push_back({text.substr(start, name_end - start), text.substr(expression), line});
    }
    if (rules.empty()) throw std::runtime_error(path + ": there are no tokens in it");
    return rules;
}

// ---- the nondeterministic automaton ---------------------------------------------------------------------------------

struct nfa_state {
    char_set on;            // characters that lead to `to`
    int to = -1;            // -1: nowhere
    std::vector<int> empty; // moves that take no character
    int accepts = -1;       // a rule's number
};

class nfa {
  public:
    int add() {
        states_.emplace_back();
        return static_cast<int>(states_.size()) - 1;
    }
    nfa_state& operator[](int state) { return states_[static_cast<std::size_t>(state)]; }
    const nfa_state& operator[](int state) const { return states_[static_cast<std::size_t>(state)]; }
    std::size_t size() const { return states_.size(); }

  private:
    std::vector<nfa_state> states_;
};

struct fragment {
    int start;
    int end;
};

// Thompson's construction, by recursive descent.
class expression_parser {
  public:
    expression_parser(const token_rule& rule, nfa& into) : rule_(rule), text_(rule.expression), into_(into) {}

    fragment parse() {
        const fragment whole = alternatives();
        if (at_ != text_.size()) fail("')' without '('");
        return whole;
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        throw std::runtime_error("line " + std::to_string(rule_.line) + ", '" + rule_.name + "': " + what);
    }
    bool done() const { return at_ == text_.size(); }
    bool take(char wanted) {
        if (done() || text_[at_] != wanted) return false;
        ++at_;
        return true;
    }

    fragment alternatives() {
        fragment left = sequence();
        while (take('|')) {
            const fragment right = sequence();
            const fragment both{into_.add(), into_.add()};
            into_[both.start].empty = {left.start, right.start};
            into_[left.end].empty.push_back(both.end);
            into_[right.end].empty.push_back(both.end);
            left = both;
        }
        return left;
    }

    fragment sequence() {
        fragment whole{into_.add(), -1};
        whole.end = whole.start;
        while (!done() && text_[at_] != '|' && text_[at_] != ')') {
            const fragment next = repeated();
            into_[whole.end].empty.push_back(next.start);
            whole.end = next.end;
        }
        return whole;
    }

    fragment repeated() {
        fragment inner = single();
        for (;;) {
            const bool star = take('*');
            const bool plus = !star && take('+');
            const bool optional = !star && !plus && take('?');
            if (!star && !plus && !optional) return inner;
            const fragment outer{into_.add(), into_.add()};
            into_[outer.start].empty.push_back(inner.start);
            into_[inner.end].empty.push_back(outer.end);
            if (star || optional) into_[outer.start].empty.push_back(outer.end);
            if (star || plus) into_[inner.end].empty.push_back(inner.start);
            inner = outer;
        }
    }

    fragment single() {
        if (take('(')) {
            const fragment inner = alternatives();
            if (!take(')')) fail("a ')' is missing");
            return inner;
        }
        char_set characters;
        if (take('[')) {
            characters = bracket();
        } else if (take('.')) {
            characters.set().reset('\n');
        } else if (std::string("*+?").find(text_[at_]) != std::string::npos) {
            fail(std::string("nothing stands before '") + text_[at_] + "'");
        } else {
            characters = character();
        }
        const fragment made{into_.add(), into_.add()};
        into_[made.start].on = characters;
        into_[made.start].to = made.end;
        return made;
    }

    char_set bracket() {
        const bool inverted = take('^');
        char_set all;
        while (!take(']')) {
            if (done()) fail("a ']' is missing");
            const char first = text_[at_];
            char_set part = character();
            if (part.count() == 1 && at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
                ++at_;
                const char last = text_[at_++];
                if (last < first) fail(std::string("the range '") + first + "-" + last + "' is empty");
                for (unsigned each = static_cast<unsigned char>(first); each <= static_cast<unsigned char>(last);
                     ++each)
                    part.set(each);
            }
            all |= part;
        }
        return inverted ? ~all : all;
    }

    char_set character() {
        char_set found;
        const char each = text_[at_++];
        if (each != '\\') return found.set(static_cast<unsigned char>(each));
        if (done()) fail("a character is missing after '\\'");
        const char escaped = text_[at_++];
        const auto where = [&found](int (*is)(int)) {
            for (int c = 0; c < 256; ++c)
                if (is(c) != 0) found.set(static_cast<std::size_t>(c));
            return found;
        };
        switch (escaped) {
        case 'n':
            return found.set('\n');
        case 't':
            return found.set('\t');
        case 'd':
            return where([](int c) { return std::isdigit(c); });
        case 's':
            return where([](int c) { return std::isspace(c); });
        case 'w':
            return where([](int c) { return c == '_' ? 1 : std::isalnum(c); });
        default:
            return found.set(static_cast<unsigned char>(escaped));
        }
    }

    const token_rule& rule_;
    const std::string& text_;
    nfa& into_;
    std::size_t at_ = 0;
};

nfa make_nfa(const std::vector<token_rule>& rules) {
    nfa automaton;
    const int start = automaton.add();
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const fragment of_rule = expression_parser(rules[i], automaton).parse();
        automaton[start].empty.push_back(of_rule.start);
        automaton[of_rule.end].accepts = static_cast<int>(i);
    }
    return automaton;
}

// ---- the deterministic automaton ------------------------------------------------------------------------------------

struct dfa_state {
    std::array<int, 256> next;
    int accepts = -1;
};
using dfa = std::vector<dfa_state>;

void follow_empty_moves(const nfa& from, std::set<int>& states) {
    std::vector<int> open(states.begin(), states.end());
    while (!open.empty()) {
        const int state = open.back();
        open.pop_back();
        for (const int each : from[state].empty)
            if (states.insert(each).second) open.push_back(each);
    }
}

// The subset construction.
dfa make_dfa(const nfa& from) {
    dfa automaton;
    std::map<std::set<int>, int> numbers;
    std::vector<const std::set<int>*> open;
    const auto number_of = [&](std::set<int> states) {
        follow_empty_moves(from, states);
        const auto [found, is_new] = numbers.emplace(std::move(states), static_cast<int>(numbers.size()));
        if (is_new) {
            open.push_back(&found->first);
            automaton.emplace_back();
            automaton.back().next.fill(-1);
            for (const int each : found->first) {
                const int rule = from[each].accepts;
                int& accepts = automaton.back().accepts;
                if (rule >= 0 && (accepts < 0 || rule < accepts)) accepts = rule;
            }
        }
        return found->second;
    };
    number_of({0});
    for (std::size_t i = 0; i < open.size(); ++i) {
        for (std::size_t c = 0; c < 256; ++c) {
            std::set<int> reached;
            for (const int each : *open[i])
                if (from[each].to >= 0 && from[each].on[c]) reached.insert(from[each].to);
            if (reached.empty()) continue;
            const int next = number_of(std::move(reached));
            automaton[i].next[c] = next;
        }
    }
    return automaton;
}

// Moore's algorithm: states are told apart by what they accept, and then by where they lead, until nothing changes.
dfa minimised(const dfa& from) {
    std::vector<int> group(from.size());
    for (std::size_t i = 0; i < from.size(); ++i)
        group[i] = from[i].accepts + 1;
    std::size_t count = 0;
    for (;;) {
        std::map<std::vector<int>, int> numbers;
        std::vector<int> finer(from.size());
        for (std::size_t i = 0; i < from.size(); ++i) {
            std::vector<int> key{group[i]};
            for (const int next : from[i].next)
                key.push_back(next < 0 ? -1 : group[static_cast<std::size_t>(next)]);
            finer[i] = numbers.emplace(std::move(key), static_cast<int>(numbers.size())).first->second;
        }
        group = std::move(finer);
        if (numbers.size() == count) break;
        count = numbers.size();
    }
    dfa result(count);
    for (std::size_t i = 0; i < from.size(); ++i) {
        dfa_state& state = result[static_cast<std::size_t>(group[i])];
        state.accepts = from[i].accepts;
        for (std::size_t c = 0; c < 256; ++c)
            state.next[c] = from[i].next[c] < 0 ? -1 : group[static_cast<std::size_t>(from[i].next[c])];
    }
    return result;
}

// ---- writing --------------------------------------------------------------------------------------------------------

void write_tables(const std::string& path, const std::vector<token_rule>& rules, const dfa& automaton) {
    std::string text = "// Made by lexgen.\n#pragma once\n\nenum class token {\n";
    for (const token_rule& each : rules)
        text += "    " + each.name + ",\n";
    text += "};\n\n// By state and character; -1: no move.\ninline constexpr int next_state[][256] = {\n";
    for (const dfa_state& state : automaton) {
        text += "    {";
        for (const int next : state.next)
            text += std::to_string(next) + ",";
        text += "},\n";
    }
    text += "};\n\n// By state; -1: accepts nothing.\ninline constexpr int accepts[] = {";
    for (const dfa_state& state : automaton)
        text += std::to_string(state.accepts) + ",";
    text += "};\n";
    std::ofstream file(path);
    file << text;
    if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: lexgen TOKENS OUTPUT\n";
        return 2;
    }
    try {
        const std::vector<token_rule> rules = read_rules(argv[1]);
        const nfa expressions = make_nfa(rules);
        const dfa large = make_dfa(expressions);
        const dfa small = minimised(large);
        write_tables(argv[2], rules, small);
        std::cout << rules.size() << " tokens, " << expressions.size() << " states, " << large.size()
                  << " deterministic, " << small.size() << " minimal\n";
    } catch (const std::exception& error) {
        std::cerr << "lexgen: " << error.what() << "\n";
        return 1;
    }
    return 0;
}
