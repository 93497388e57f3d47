package hwa

// The enumerations of the API as string types. An engine newer than this package may send values that are not listed here:
// they decode unchanged, compare unequal to every constant, and encode back as they came.

// CommonStatus is the scheduler-wide summary of a status: the groups the Dynamic Workload Console shows.
// It is coarser than JobStatus and JobStreamStatus and is what operators usually mean by "status".
type CommonStatus string

// Values of CommonStatus.
const (
	CommonStatusWaiting           CommonStatus = "WAITING"
	CommonStatusWaitingForTrigger CommonStatus = "WAITING_FOR_TRIGGER"
	CommonStatusReady             CommonStatus = "READY"
	CommonStatusReadyPrevWsNonrep CommonStatus = "READY_PREV_WS_NONREP"
	CommonStatusCompleted         CommonStatus = "COMPLETED"
	CommonStatusSuppressByCond    CommonStatus = "SUPPRESS_BY_COND"
	CommonStatusInterrupted       CommonStatus = "INTERRUPTED"
	CommonStatusDummyCompleted    CommonStatus = "DUMMY_COMPLETED"
	CommonStatusRunning           CommonStatus = "RUNNING"
	CommonStatusSuccessful        CommonStatus = "SUCCESSFUL"
	CommonStatusError             CommonStatus = "ERROR"
	CommonStatusCanceled          CommonStatus = "CANCELED"
	CommonStatusHeld              CommonStatus = "HELD"
	CommonStatusUndecided         CommonStatus = "UNDECIDED"
	CommonStatusBlocked           CommonStatus = "BLOCKED"
	CommonStatusSuppress          CommonStatus = "SUPPRESS"
)

// JobStatus is the internal status of a job run in the plan, as conman prints it.
type JobStatus string

// Values of JobStatus.
const (
	JobStatusHold       JobStatus = "HOLD"
	JobStatusReady      JobStatus = "READY"
	JobStatusFence      JobStatus = "FENCE"
	JobStatusIntro      JobStatus = "INTRO"
	JobStatusFail       JobStatus = "FAIL"
	JobStatusExec       JobStatus = "EXEC"
	JobStatusWait       JobStatus = "WAIT"
	JobStatusSuppr      JobStatus = "SUPPR"
	JobStatusEnd        JobStatus = "END"
	JobStatusSucc       JobStatus = "SUCC"
	JobStatusSuccp      JobStatus = "SUCCP"
	JobStatusAbend      JobStatus = "ABEND"
	JobStatusCancl      JobStatus = "CANCL"
	JobStatusCanclp     JobStatus = "CANCLP"
	JobStatusAbenp      JobStatus = "ABENP"
	JobStatusPend       JobStatus = "PEND"
	JobStatusSusp       JobStatus = "SUSP"
	JobStatusStuck      JobStatus = "STUCK"
	JobStatusExtrn      JobStatus = "EXTRN"
	JobStatusIntrpt     JobStatus = "INTRPT"
	JobStatusComplt     JobStatus = "COMPLT"
	JobStatusError      JobStatus = "ERROR"
	JobStatusPendpred   JobStatus = "PENDPRED"
	JobStatusStarted    JobStatus = "STARTED"
	JobStatusUndcded    JobStatus = "UNDCDED"
	JobStatusArrving    JobStatus = "ARRVING"
	JobStatusNonreppred JobStatus = "NONREPPRED"
)

// JobSubStatus says why a job stands in HOLD, READY, SUPPR or SUCC: the best single field to explain a job that does not start.
type JobSubStatus string

// Values of JobSubStatus.
const (
	JobSubStatusHoldWaitingForPredecessor          JobSubStatus = "HOLD_WAITING_FOR_PREDECESSOR"
	JobSubStatusHoldUnexpectedPredecessorCondition JobSubStatus = "HOLD_UNEXPECTED_PREDECESSOR_CONDITION"
	JobSubStatusHoldWaitingForTime                 JobSubStatus = "HOLD_WAITING_FOR_TIME"
	JobSubStatusHoldWaitingForPrompt               JobSubStatus = "HOLD_WAITING_FOR_PROMPT"
	JobSubStatusHoldWaitingForFile                 JobSubStatus = "HOLD_WAITING_FOR_FILE"
	JobSubStatusHoldWaitingForInput                JobSubStatus = "HOLD_WAITING_FOR_INPUT"
	JobSubStatusHoldPriorityZero                   JobSubStatus = "HOLD_PRIORITY_ZERO"
	JobSubStatusReadyWaitingForResources           JobSubStatus = "READY_WAITING_FOR_RESOURCES"
	JobSubStatusReadySuppressed                    JobSubStatus = "READY_SUPPRESSED"
	JobSubStatusSupprUnsatisfiedDependency         JobSubStatus = "SUPPR_UNSATISFIED_DEPENDENCY"
	JobSubStatusSupprWorkstationIgnored            JobSubStatus = "SUPPR_WORKSTATION_IGNORED"
	JobSubStatusReadySubmitted                     JobSubStatus = "READY_SUBMITTED"
	JobSubStatusReadyWaitingForLimit               JobSubStatus = "READY_WAITING_FOR_LIMIT"
	JobSubStatusReadyWaitingForAgent               JobSubStatus = "READY_WAITING_FOR_AGENT"
	JobSubStatusReadyWaitingForUserIntervention    JobSubStatus = "READY_WAITING_FOR_USER_INTERVENTION"
	JobSubStatusSuccDoNotRun                       JobSubStatus = "SUCC_DO_NOT_RUN"
	JobSubStatusSuccCompleted                      JobSubStatus = "SUCC_COMPLETED"
)

// JobStreamStatus is the internal status of a job stream in the plan.
type JobStreamStatus string

// Values of JobStreamStatus.
const (
	JobStreamStatusReady            JobStreamStatus = "READY"
	JobStreamStatusHold             JobStreamStatus = "HOLD"
	JobStreamStatusExec             JobStreamStatus = "EXEC"
	JobStreamStatusAbend            JobStreamStatus = "ABEND"
	JobStreamStatusCancl            JobStreamStatus = "CANCL"
	JobStreamStatusCanclp           JobStreamStatus = "CANCLP"
	JobStreamStatusSucc             JobStreamStatus = "SUCC"
	JobStreamStatusUnknown          JobStreamStatus = "UNKNOWN"
	JobStreamStatusAdd              JobStreamStatus = "ADD"
	JobStreamStatusFail             JobStreamStatus = "FAIL"
	JobStreamStatusWait             JobStreamStatus = "WAIT"
	JobStreamStatusIntro            JobStreamStatus = "INTRO"
	JobStreamStatusAbenp            JobStreamStatus = "ABENP"
	JobStreamStatusSuccp            JobStreamStatus = "SUCCP"
	JobStreamStatusSusp             JobStreamStatus = "SUSP"
	JobStreamStatusStuck            JobStreamStatus = "STUCK"
	JobStreamStatusPend             JobStreamStatus = "PEND"
	JobStreamStatusBound            JobStreamStatus = "BOUND"
	JobStreamStatusSuppr            JobStreamStatus = "SUPPR"
	JobStreamStatusExtrn            JobStreamStatus = "EXTRN"
	JobStreamStatusComplete         JobStreamStatus = "COMPLETE"
	JobStreamStatusDeleted          JobStreamStatus = "DELETED"
	JobStreamStatusError            JobStreamStatus = "ERROR"
	JobStreamStatusPendingpred      JobStreamStatus = "PENDINGPRED"
	JobStreamStatusStarted          JobStreamStatus = "STARTED"
	JobStreamStatusUndecided        JobStreamStatus = "UNDECIDED"
	JobStreamStatusWaitforinput     JobStreamStatus = "WAITFORINPUT"
	JobStreamStatusInterrupted      JobStreamStatus = "INTERRUPTED"
	JobStreamStatusNonreportingpred JobStreamStatus = "NONREPORTINGPRED"
	JobStreamStatusSupprbycond      JobStreamStatus = "SUPPRBYCOND"
)

// JobStreamSubStatus refines JobStreamStatus.
type JobStreamSubStatus string

// Values of JobStreamSubStatus.
const (
	JobStreamSubStatusWaitingForResource         JobStreamSubStatus = "WAITING_FOR_RESOURCE"
	JobStreamSubStatusWaitingForUserIntervention JobStreamSubStatus = "WAITING_FOR_USER_INTERVENTION"
)

// FlowNodeType tells whether a node of the plan is a job or a job stream.
type FlowNodeType string

// Values of FlowNodeType.
const (
	FlowNodeTypeJob       FlowNodeType = "JOB"
	FlowNodeTypeJobStream FlowNodeType = "JOBSTREAM"
)

// DependencyType tells the kind of a Dependency and thereby which of its fields are meaningful.
type DependencyType string

// Values of DependencyType.
const (
	DependencyTypeInternal          DependencyType = "INTERNAL"
	DependencyTypeExternalJob       DependencyType = "EXTERNAL_JOB"
	DependencyTypeExternalJobStream DependencyType = "EXTERNAL_JOBSTREAM"
	DependencyTypeJoin              DependencyType = "JOIN"
	DependencyTypeFile              DependencyType = "FILE"
	DependencyTypeResource          DependencyType = "RESOURCE"
	DependencyTypeInternetwork      DependencyType = "INTERNETWORK"
	DependencyTypePrompt            DependencyType = "PROMPT"
)

// DependencyStatus is the state of one dependency.
type DependencyStatus string

// Values of DependencyStatus.
const (
	DependencyStatusSatisfied   DependencyStatus = "SATISFIED"
	DependencyStatusUnsatisfied DependencyStatus = "UNSATISFIED"
	DependencyStatusUndecided   DependencyStatus = "UNDECIDED"
	DependencyStatusUnbound     DependencyStatus = "UNBOUND"
)

// JoinCriteria says how many members of a join dependency must be satisfied.
type JoinCriteria string

// Values of JoinCriteria.
const (
	JoinCriteriaAll     JoinCriteria = "ALL"
	JoinCriteriaAtLeast JoinCriteria = "AT_LEAST"
)

// ConditionStatus is a predecessor status a conditional dependency waits for.
type ConditionStatus string

// Values of ConditionStatus.
const (
	ConditionStatusStarted        ConditionStatus = "STARTED"
	ConditionStatusExec           ConditionStatus = "EXEC"
	ConditionStatusCompleted      ConditionStatus = "COMPLETED"
	ConditionStatusDummyCompleted ConditionStatus = "DUMMY_COMPLETED"
	ConditionStatusError          ConditionStatus = "ERROR"
	ConditionStatusSucc           ConditionStatus = "SUCC"
	ConditionStatusFail           ConditionStatus = "FAIL"
	ConditionStatusSuppr          ConditionStatus = "SUPPR"
	ConditionStatusSuppress       ConditionStatus = "SUPPRESS"
	ConditionStatusAbend          ConditionStatus = "ABEND"
)

// ResourceActionOnComplete says what happens to held units when their holder ends.
type ResourceActionOnComplete string

// Values of ResourceActionOnComplete.
const (
	ResourceActionOnCompleteDefault ResourceActionOnComplete = "DEFAULT"
	ResourceActionOnCompleteYes     ResourceActionOnComplete = "YES"
	ResourceActionOnCompleteNo      ResourceActionOnComplete = "NO"
	ResourceActionOnCompleteReset   ResourceActionOnComplete = "RESET"
)

// PromptStatus is the state of a prompt.
type PromptStatus string

// Values of PromptStatus.
const (
	PromptStatusNotAsked    PromptStatus = "NOT_ASKED"
	PromptStatusAsked       PromptStatus = "ASKED"
	PromptStatusAnsweredYes PromptStatus = "ANSWERED_YES"
	PromptStatusAnsweredNo  PromptStatus = "ANSWERED_NO"
)

// PromptType tells where a prompt comes from.
type PromptType string

// Values of PromptType.
const (
	PromptTypeAdHocPrompt      PromptType = "Ad Hoc Prompt"
	PromptTypePredefinedPrompt PromptType = "Predefined Prompt"
	PromptTypeRestartPrompt    PromptType = "Restart Prompt"
)

// FileStatus is the state of a file (opens) dependency.
type FileStatus string

// Values of FileStatus.
const (
	FileStatusNotChecked  FileStatus = "Not Checked"
	FileStatusChecking    FileStatus = "Checking"
	FileStatusExists      FileStatus = "Exists"
	FileStatusUnavailable FileStatus = "Unavailable"
	FileStatusResync      FileStatus = "Resync"
)

// ResourceStatus is the availability of a resource in the plan.
type ResourceStatus string

// Values of ResourceStatus.
const (
	ResourceStatusAvailable    ResourceStatus = "AVAILABLE"
	ResourceStatusNotAvailable ResourceStatus = "NOT_AVAILABLE"
	ResourceStatusUndecided    ResourceStatus = "UNDECIDED"
)

// RerunType tells how a run of a job came about.
type RerunType string

// Values of RerunType.
const (
	RerunTypeRerun         RerunType = "RERUN"
	RerunTypeRecoveryRerun RerunType = "RECOVERY_RERUN"
	RerunTypeRerunEvery    RerunType = "RERUN_EVERY"
	RerunTypeRerunFrom     RerunType = "RERUN_FROM"
	RerunTypeRecovery      RerunType = "RECOVERY"
	RerunTypeRegular       RerunType = "REGULAR"
	RerunTypeRerunStep     RerunType = "RERUN_STEP"
)

// RecoveryOption is what the scheduler does after a job abends.
type RecoveryOption string

// Values of RecoveryOption.
const (
	RecoveryOptionStop           RecoveryOption = "STOP"
	RecoveryOptionContinue       RecoveryOption = "CONTINUE"
	RecoveryOptionContinuePrompt RecoveryOption = "CONTINUE_PROMPT"
	RecoveryOptionRerun          RecoveryOption = "RERUN"
	RecoveryOptionRerunPrompt    RecoveryOption = "RERUN_PROMPT"
)

// LateAction is what happens to a job that passes its deadline.
type LateAction string

// Values of LateAction.
const (
	LateActionContinue LateAction = "continue"
	LateActionKill     LateAction = "kill"
)

// LateStartAction is what happens to a job that passes its latest start time.
type LateStartAction string

// Values of LateStartAction.
const (
	LateStartActionDoNotRun LateStartAction = "doNotRun"
	LateStartActionContinue LateStartAction = "continue"
	LateStartActionCancel   LateStartAction = "cancel"
)

// MaxDurationAction is what happens to a run that exceeds its maximum duration.
type MaxDurationAction string

// Values of MaxDurationAction.
const (
	MaxDurationActionContinue MaxDurationAction = "continue"
	MaxDurationActionKill     MaxDurationAction = "kill"
)

// MinDurationAction is what happens to a run that ends before its minimum duration.
type MinDurationAction string

// Values of MinDurationAction.
const (
	MinDurationActionContinue  MinDurationAction = "continue"
	MinDurationActionAbend     MinDurationAction = "abend"
	MinDurationActionConfirmed MinDurationAction = "confirmed"
)

// SkipLateAction is what a repeating (every) job does with occurrences it missed.
type SkipLateAction string

// Values of SkipLateAction.
const (
	SkipLateActionOverlap   SkipLateAction = "overlap"
	SkipLateActionImmediate SkipLateAction = "immediate"
	SkipLateActionNone      SkipLateAction = "none"
)
