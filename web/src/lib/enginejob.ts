// The engine's own form of a job, brought into the console's words. Names and times only; nothing is concluded here.
import type { EngineJob, EngineRun, JobDetail, JobRun } from './contract';

/** seconds reads an ISO 8601 duration such as PT26M40S. */
export function seconds(d?: string): number | undefined {
  const m = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(d ?? '');
  if (!m) return undefined;
  const [days, hours, minutes, secs] = m.slice(1).map(x => Number(x ?? 0)) as [number, number, number, number];
  return ((days * 24 + hours) * 60 + minutes) * 60 + secs;
}

const bare = (s?: string) => (s ?? '').replace(/^.*\//, '');

function run(r: EngineRun, i: number): JobRun {
  return {
    run_id: r.id, number: r.runAttempt || i + 1, status: r.compositeStatus?.status ?? '', type: r.rerunType ?? '', return_code: r.returnCode,
    start_time: r.timeInfo?.actualStartTime, end_time: r.timeInfo?.actualEndTime, elapsed_s: seconds(r.timeInfo?.elapsedTime),
  };
}

export function detail(j: EngineJob): JobDetail {
  const runs = (j.jobruns ?? []).map(run);
  const last = runs[runs.length - 1];
  const workstation = bare(j.workstation);
  return {
    id: j.id, job: j.name, name: j.key ?? `${workstation}#${j.jobStreamName}.${j.name}`, stream: j.jobStreamName ?? '', workstation, folder: j.folder,
    status: j.lastRunCompositeStatus?.status ?? '', substatus: j.lastRunCompositeStatus?.substatus, canceled: j.lastRunCompositeStatus?.canceled,
    priority: j.priority, critical: j.jobOptions?.critical, late: j.jobStatusFlags?.jobLate, sched_time: j.schedTime,
    start_time: last?.start_time, end_time: last?.end_time, return_code: last?.return_code, run_id: last?.run_id,
    deadline: j.timeRestrictions?.deadlineTime, estimated_s: seconds(j.jobDefinition?.estimatedDuration),
    recovery: j.jobDefinition?.recoveryOption, description: j.jobDefinition?.description, runs, actions: (j.actions ?? []).map(a => a.key),
  };
}
