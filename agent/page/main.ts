import { AlertsView } from './alerts-view.ts';
import { ApiError, getJson, getStatus } from './api.ts';
import { gapOf, isFields, type ShownGap } from './event-model.ts';
import { EventsView } from './events-view.ts';
import { showBanner, showGaps, STATUS_SECONDS, StatusView } from './status-view.ts';
import { TreeView } from './tree-view.ts';
import type { AgentStatus } from '../client/status.ts';

/** Events of the last minutes up to which the page shows them when it opens. */
const QUIET_EVENTS = 5000;

const tree = new TreeView();
const take = (event: Parameters<TreeView['take']>[0]): void => tree.take(event);
const status = new StatusView();
const events = new EventsView(take);
const alerts = new AlertsView(take);

let begun = false;
let lost = -1;

function begin(seen: AgentStatus | undefined): void {
  if (begun) return;
  begun = true;
  const recent = seen?.rates.events.reduce((sum, count) => sum + count, 0) ?? Infinity;
  events.start(recent <= QUIET_EVENTS);
  alerts.start();
}

async function look(): Promise<void> {
  try {
    const seen = await getStatus();
    status.show(seen);
    begin(seen);
    if (seen.gaps.lost !== lost) {
      showGaps(gapsIn(await getJson('v1/gaps')));
      lost = seen.gaps.lost;
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    status.away();
    showBanner(error.message);
  } finally {
    setTimeout(() => void look(), STATUS_SECONDS * 1000);
  }
}

function gapsIn(answer: unknown): ShownGap[] {
  const newest = isFields(answer) ? answer['newest'] : undefined;
  return Array.isArray(newest) ? newest.filter(isFields).map(gapOf) : [];
}

void look();
