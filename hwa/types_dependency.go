package hwa

import (
	"encoding/json"
	"time"
)

// Dependency is a dependency of a job or job stream. The API has one schema per kind and no discriminator, so this struct holds
// the fields of all of them; DependencyType says which are meaningful:
//
//   - INTERNAL: a job of the same stream (Job*, JobStream*, PredecessorStatus);
//   - EXTERNAL_JOB, EXTERNAL_JOBSTREAM: a job or stream elsewhere in the plan (also Pending, Zombie);
//   - JOIN: Criteria or JoinQuantity of Members;
//   - FILE: File, TimeLastChecked;
//   - RESOURCE: Name, Workstation, Quantity, QuantityHeld, Available, ActionOnComplete;
//   - INTERNETWORK: NetworkAgent, Dependency;
//   - PROMPT: PromptName, Text, PromptStatus, PromptType, Number; ID is the prompt's id.
type Dependency struct {
	DependencyType   DependencyType   `json:"dependencyType"`
	ID               string           `json:"id,omitempty"` // needed to release or remove the dependency
	DependencyStatus DependencyStatus `json:"dependencyStatus,omitempty"`
	Satisfied        bool             `json:"satisfied,omitempty"`
	DepSequence      int              `json:"depSequence,omitempty"`
	Mandatory        bool             `json:"mandatory,omitempty"`

	// Job and job stream kinds.
	Conditional          bool              `json:"conditional,omitempty"`
	Critical             bool              `json:"critical,omitempty"` // on a critical path
	StatusConditions     []ConditionStatus `json:"statusConditions,omitempty"`
	OutputConditions     []string          `json:"outputConditions,omitempty"`
	JobID                string            `json:"jobId,omitempty"`
	JobName              string            `json:"jobName,omitempty"`
	JobWorkstationName   string            `json:"jobWorkstationName,omitempty"`
	JobSuccID            string            `json:"jobSuccId,omitempty"` // the job that waits
	JobStreamID          string            `json:"jobStreamId,omitempty"`
	JobStreamName        string            `json:"jobStreamName,omitempty"`
	JobStreamWorkstation string            `json:"jobStreamWorkstation,omitempty"`
	JobStreamSchedTime   time.Time         `json:"jobStreamSchedTime,omitzero"`
	JobStreamFolder      string            `json:"jobStreamFolder,omitempty"`
	FolderOriginalName   string            `json:"folderOriginalName,omitempty"`
	JobStreamSuccID      string            `json:"jobStreamSuccId,omitempty"` // the stream that waits
	Pending              bool              `json:"pending,omitempty"`
	Zombie               bool              `json:"zombie,omitempty"` // the predecessor is gone: cannot be resolved
	PredecessorStatus    CompositeStatus   `json:"predecessorStatus,omitzero"`

	// JOIN.
	JoinName     string       `json:"joinName,omitempty"`
	JoinQuantity int          `json:"joinQuantity,omitempty"`
	Members      []Dependency `json:"members,omitempty"`
	Criteria     JoinCriteria `json:"criteria,omitempty"`

	// FILE.
	File            *FileInPlan `json:"file,omitempty"`
	TimeLastChecked time.Time   `json:"timeLastChecked,omitzero"`

	// RESOURCE; Folder and Workstation also of PROMPT.
	FolderID                string                   `json:"folderId,omitempty"`
	Folder                  string                   `json:"folder,omitempty"`
	Name                    string                   `json:"name,omitempty"`
	OriginalName            string                   `json:"originalName,omitempty"`
	Workstation             string                   `json:"workstation,omitempty"`
	WorkstationID           string                   `json:"workstationId,omitempty"`
	WorkstationOriginalName string                   `json:"workstationOriginalName,omitempty"`
	Quantity                int                      `json:"quantity,omitempty"`     // units needed
	QuantityHeld            int                      `json:"quantityHeld,omitempty"` // units held now
	Available               *int                     `json:"available,omitempty"`    // units free now; nil when not sent
	ActionOnComplete        ResourceActionOnComplete `json:"actionOnComplete,omitempty"`
	TotalQuantity           int                      `json:"totalQuantity,omitempty"`
	LoadedFromDB            bool                     `json:"loadedFromDb,omitempty"`

	// INTERNETWORK.
	NetworkAgentID                 string                   `json:"networkAgentId,omitempty"`
	NetworkAgent                   string                   `json:"networkAgent,omitempty"`
	Dependency                     string                   `json:"dependency,omitempty"` // the remote job, as the remote network names it
	JobInPlanCompositeStatus       JobCompositeStatus       `json:"jobInPlanCompositeStatus,omitzero"`
	JobStreamInPlanCompositeStatus JobStreamCompositeStatus `json:"jobStreamInPlanCompositeStatus,omitzero"`

	// PROMPT.
	PromptName         string       `json:"promptName,omitempty"`
	PromptOriginalName string       `json:"promptOriginalName,omitempty"`
	Text               string       `json:"text,omitempty"`
	PromptStatus       PromptStatus `json:"promptStatus,omitempty"`
	PromptType         PromptType   `json:"promptType,omitempty"`
	Number             int          `json:"number,omitempty"`
	Actions            []Action     `json:"actions,omitempty"`
}

// CompositeStatus is the exact status of a predecessor that may be a job or a job stream, hence the plain strings.
type CompositeStatus struct {
	Status        string `json:"status,omitempty"`
	Substatus     string `json:"substatus,omitempty"`
	Canceled      bool   `json:"canceled,omitempty"`
	Error         bool   `json:"error,omitempty"`
	Started       bool   `json:"started,omitempty"`
	CancelPending bool   `json:"cancelPending,omitempty"`
	DontRun       bool   `json:"dontRun,omitempty"`
}

// FlowNode is a node of the plan graph: exactly one of Job and JobStream is set.
type FlowNode struct {
	Job       *JobInPlan
	JobStream *JobStreamInPlan
}

// UnmarshalJSON decides by flowNodeType and, where that is absent, by the field only a job stream has.
func (n *FlowNode) UnmarshalJSON(data []byte) error {
	var probe struct {
		FlowNodeType          FlowNodeType    `json:"flowNodeType"`
		OriginalJobStreamName json.RawMessage `json:"originalJobStreamName"`
	}
	if err := json.Unmarshal(data, &probe); err != nil {
		return err
	}
	*n = FlowNode{}
	if probe.FlowNodeType == FlowNodeTypeJobStream || (probe.FlowNodeType == "" && probe.OriginalJobStreamName != nil) {
		n.JobStream = new(JobStreamInPlan)
		return json.Unmarshal(data, n.JobStream)
	}
	n.Job = new(JobInPlan)
	return json.Unmarshal(data, n.Job)
}

// MarshalJSON encodes the node that is set, with its flowNodeType filled in.
func (n FlowNode) MarshalJSON() ([]byte, error) {
	switch {
	case n.Job != nil:
		j := *n.Job
		j.FlowNodeType = FlowNodeTypeJob
		return json.Marshal(j)
	case n.JobStream != nil:
		s := *n.JobStream
		s.FlowNodeType = FlowNodeTypeJobStream
		return json.Marshal(s)
	}
	return []byte("null"), nil
}

// ID returns the plan id of the node.
func (n FlowNode) ID() string {
	if n.Job != nil {
		return n.Job.ID
	}
	if n.JobStream != nil {
		return n.JobStream.ID
	}
	return ""
}

// Name returns the name of the job or job stream.
func (n FlowNode) Name() string {
	if n.Job != nil {
		return n.Job.Name
	}
	if n.JobStream != nil {
		return n.JobStream.Name
	}
	return ""
}

// Status returns the summary status of the node.
func (n FlowNode) Status() CommonStatus {
	if n.Job != nil {
		return n.Job.LastRunCommonStatus
	}
	if n.JobStream != nil {
		return n.JobStream.CommonStatus
	}
	return ""
}
